/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files of censuses: writing one so that it is whole or not there, and opening one to read. What is
 * in it: census_parse.c.
 */
#include "store/census_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".XXXXXX"

int census_text_parse(const char *text, size_t len, struct census_file *out)
{
	FILE *f = len ? fmemopen((void *)text, len, "r") : NULL; /* read only, whatever its type */
	int err;

	*out = (struct census_file){0};
	if (!f)
		return len ? -errno : -ENODATA;
	err = census_file_parse(f, out);
	fclose(f);
	return err;
}

int census_file_read(const char *path, struct census_file *out)
{
	FILE *f = fopen(path, "re");
	int err;

	*out = (struct census_file){0};
	if (!f) {
		err = -errno;
		snprintf(out->why, sizeof(out->why), "%s", strerror(errno));
		return err;
	}
	err = census_file_parse(f, out);
	fclose(f);
	return err;
}

/* --- writing --- */

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What renaming would replace by a file: a device, a pipe. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* The file that @path means, through symbolic links: renaming would replace the link. */
static void resolve(const char *path, char out[PATH_MAX])
{
	if (!realpath(path, out))
		snprintf(out, PATH_MAX, "%s", path);
}

static void folder_of(const char *path, char out[PATH_MAX])
{
	char *slash;

	snprintf(out, PATH_MAX, "%s", path);
	slash = strrchr(out, '/');
	if (!slash)
		snprintf(out, PATH_MAX, ".");
	else
		slash[slash == out] = '\0';
}

int census_file_check(const char *path)
{
	char target[PATH_MAX], folder[PATH_MAX];
	struct stat st;

	if (!path[0] || strlen(path) + sizeof(SUFFIX) > PATH_MAX)
		return path[0] ? -ENAMETOOLONG : -ENOENT;
	resolve(path, target);
	if (!stat(target, &st)) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		if (access(target, W_OK))
			return -errno;
	}
	if (is_special(target))
		return 0;
	folder_of(target, folder);
	if (stat(folder, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return access(folder, W_OK | X_OK) ? -errno : 0;
}

static int write_special(const char *path, const void *records, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, records, len);
	return close(fd) && !err ? -errno : err;
}

/* As open(2) would leave it or make it: mkstemp(3) is for secrets, and so may the one be that is
   replaced. */
static int give_mode(int fd, const char *path, bool is_private)
{
	mode_t mask = umask(0);
	struct stat st;

	umask(mask);
	if (!stat(path, &st))
		mask = st.st_mode & 0777;
	else
		mask = is_private ? 0600 : 0666 & ~mask;
	return fchmod(fd, mask) ? -errno : 0;
}

int census_file_write(const char *path, const void *records, size_t len, bool is_private)
{
	char target[PATH_MAX], beside[PATH_MAX + sizeof(SUFFIX)];
	int err = census_file_check(path), fd;

	if (err)
		return err;
	resolve(path, target);
	if (is_special(target))
		return write_special(target, records, len);
	snprintf(beside, sizeof(beside), "%s" SUFFIX, target);
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, records, len);
	if (!err)
		err = give_mode(fd, target, is_private);
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(beside, target))
		err = -errno;
	if (err)
		unlink(beside);
	return err;
}
