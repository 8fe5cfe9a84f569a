# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# extract.awk types.txt full.h: from bpftool's C dump of all of a kernel's types,
# those that types.txt lists, with all that they need to compile, in its order.
#
# All that is asked of the dump is that a type begins and ends at the first column.
# A struct of which only some fields are kept is flattened: nameless structs and
# unions within it go. CO-RE finds a field by its name, so the layout is free.

# --- reading types.txt ---

function complain(message) {
	print "types.txt: " message >"/dev/stderr"
	failed = 1
}

# Notes that the fields in words[from..n] are wanted of type @name.
function want_fields(name, words, from, n) {
	for (; from <= n; from++)
		fields[name] = fields[name] " " words[from]
}

FILENAME != reading { reading = FILENAME; files++ }

files == 1 {
	n = split($0, words, /[ \t]+/)
	if ($0 ~ /^[ \t]*(#|$)/)
		next
	if ($0 ~ /^[ \t]/) {
		want_fields(name, words, 2, n)
		next
	}
	from = words[1] ~ /^(struct|union|enum)$/ ? 2 : 1
	name = from == 2 ? words[1] " " words[2] : words[1]
	listed_fields = sub(/:$/, "", name)
	optional = sub(/\?$/, "", name)
	wanted[++nr_wanted] = name
	may_miss[name] = optional
	if (listed_fields)
		want_fields(name, words, from + 1, n)
	next
}

# --- reading the dump: body[i] is a type's lines, index_of its number by name ---

function begin_type(name) {
	body[++nr_types] = ""
	current = nr_types
	if (name != "")
		index_of[name] = current
}

current && !/^[}]/ {
	if (in_enum && match($0, /[A-Za-z_][A-Za-z_0-9]*/)) {
		constant = substr($0, RSTART, RLENGTH)
		if (!index_of[constant])
			index_of[constant] = current
	}
	body[current] = body[current] $0 "\n"
	next
}

current {
	body[current] = body[current] $0
	if (is_typedef && match($0, /[A-Za-z_][A-Za-z_0-9]*/))
		index_of[substr($0, RSTART, RLENGTH)] = current
	current = 0
	next
}

/^(typedef )?(struct|union|enum) .*[{]$/ {
	is_typedef = $0 ~ /^typedef/
	in_enum = $0 ~ /^(typedef )?enum/
	begin_type(is_typedef || $2 == "{" ? "" : $1 " " $2)
	body[current] = $0 "\n"
	next
}

/^typedef .*;$/ || /^(struct|union) .*[{][}];$/ {
	begin_type(/^typedef/ ? declared_name($0) : $1 " " $2)
	body[current] = $0
	current = 0
}

# --- picking ---

# The name that a declaration declares; "" for padding.
function declared_name(line) {
	if (match(line, /\(\*+[A-Za-z_0-9]+/)) {
		line = substr(line, RSTART, RLENGTH)
		sub(/\(\*+/, "", line)
		return line
	}
	if (line ~ /^\t+(char|short|int|long): [0-9]+;/)
		return ""
	sub(/;.*/, "", line)
	sub(/ __attribute__.*/, "", line)
	sub(/: [0-9]+$/, "", line)
	gsub(/\[[0-9]*\]/, "", line)
	if (!match(line, /[A-Za-z_][A-Za-z_0-9]*$/))
		return ""
	return substr(line, RSTART, RLENGTH)
}

# The line, within lines[], that closes the block which lines[at] opens.
function closing_line(lines, at, depth) {
	for (depth = 0; ; at++) {
		if (lines[at] ~ /[{]$/)
			depth++
		else if (lines[at] ~ /^[ \t]*[}]/ && --depth == 0)
			return at
	}
}

# Lines from..to as they are, but one tab deep.
function dedented(lines, from, to, indent, out) {
	match(lines[from], /^\t+/)
	indent = RLENGTH
	for (out = ""; from <= to; from++)
		out = out substr(lines[from], indent) "\n"
	return out
}

# The text of type @name with only its fields[].
function filtered(name, text, lines, n, at, end, keep, left, out, field, list, i) {
	n = split(text, lines, "\n")
	split(fields[name], list, " ")
	for (i in list)
		keep[list[i]] = 1
	out = lines[1] "\n"
	for (at = 2; at < n; at++) {
		end = lines[at] ~ /[{]$/ ? closing_line(lines, at) : at
		if (end > at && lines[end] ~ /^\t+[}];$/) # nameless: look inside
			continue
		field = name ~ /^enum/ ? first_word(lines[at]) : declared_name(lines[end])
		if (field in keep || field "?" in keep) {
			out = out dedented(lines, at, end)
			left[field] = 1
		}
		at = end
	}
	for (field in keep)
		if (field !~ /\?$/ && !(field in left))
			complain(name " has no " field " here")
	return out lines[n]
}

function first_word(line) {
	match(line, /[A-Za-z_][A-Za-z_0-9]*/)
	return substr(line, RSTART, RLENGTH)
}

# Emits, before a type, what @line of it needs: types by value, typedefs and enums.
# A struct behind a pointer, or in the parameters of a function, is only declared.
# @self: the name that the line itself defines.
function need(line, self, params, tag, token) {
	params = index(line, ")(")
	tag = ""
	while (match(line, /[A-Za-z_][A-Za-z_0-9]*/)) {
		token = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (token ~ /^(struct|union|enum)$/) {
			tag = token
			continue
		}
		if (tag == "enum")
			emit("enum " token)
		else if (tag != "" && (params || line ~ /^ \*/))
			declared[tag " " token] = 1
		else if (tag != "")
			emit(tag " " token)
		else if (token != self && line !~ /^(;|\[|:)/ && body[index_of[token]] ~ /^typedef/)
			emit(token)
		tag = ""
	}
}

# Adds type @name to the output, after what it needs.
function emit(name, i, text, lines, n, at) {
	i = index_of[name]
	if (!i || i in seen)
		return
	seen[i] = 1
	text = name in fields ? filtered(name, body[i]) : body[i]
	n = split(text, lines, "\n")
	if (n == 1)
		need(text, name)
	else if (text !~ /^(typedef )?enum/)
		for (at = 2; at < n; at++)
			need(lines[at], "")
	output = output "\n" text "\n"
}

END {
	for (i = 1; i <= nr_wanted; i++) {
		if (!index_of[wanted[i]] && !may_miss[wanted[i]])
			complain("no " wanted[i] " here")
		emit(wanted[i])
	}
	if (failed)
		exit 1
	for (name in declared)
		print name ";" | "LC_ALL=C sort"
	close("LC_ALL=C sort")
	printf "%s", output
}
