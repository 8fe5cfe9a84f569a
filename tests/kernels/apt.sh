# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# apt.sh - an apt of our own, for packages of another architecture or release than this machine's:
# its state, cache and sources are below one folder, and the system's are not touched. The mirrors
# are those of the system's own sources. Source it:
#
#	private_apt DIR amd64 bookworm trixie	apt-get, apt-cache: of that from now on
#	private_apt_packages			"PACKAGE VERSION" of all that there is
#
# LIMITATIONS: Debian's apt and its sources only.

# private_apt DIR DEBARCH SUITE...: DIR is made; a suite named *-security comes from the security
# mirror, if the system knows one. Sets APT_CONFIG. The lists are brought up to date once a day.
private_apt() {
	local dir=$1 arch=$2 suite label mirror
	shift 2
	unset APT_CONFIG
	mkdir -p "$dir"/{lists/partial,cache/archives/partial} || return
	for suite; do
		label=Debian
		[[ $suite != *-security ]] || label=Debian-Security
		# shellcheck disable=SC2016 # apt-get's own variable
		mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $label" |
			head -n 1)
		[ -z "$mirror" ] ||
			echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
	done >"$dir/sources.new"
	if ! grep -q . "$dir/sources.new"; then
		echo "apt's sources name no Debian mirror (run apt-get update?)" >&2
		return 1
	fi
	cmp -s "$dir/sources.new" "$dir/sources.list" || rm -f "$dir/updated"
	mv "$dir/sources.new" "$dir/sources.list"
	: >"$dir/status"
	cat >"$dir/conf" <<-END
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "";
		APT::Install-Recommends "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::Etc::parts "/dev/null";
	END
	export APT_CONFIG=$dir/conf
	if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
		apt-get update -qq || return
		touch "$dir/updated"
	fi
}

private_apt_packages() {
	apt-cache dumpavail | awk '$1 == "Package:" { name = $2 } $1 == "Version:" { print name, $2 }'
}
