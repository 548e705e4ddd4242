package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// gitPrefix begins an argument that stands for a state in git: git:REV or git:REV:PATH.
const gitPrefix = "git:"

// gitTime bounds one call of the git program.
const gitTime = time.Minute

// revision is a state in git, written out to a folder.
type revision struct {
	dir   string // the folder; whoever asked for it removes it
	path  string // in the folder: the file or folder that was asked for
	label string // what stands in front of file names of the folder in positions
}

// called turns a name in the folder into REV:PATH, and leaves any other alone.
func (r *revision) called(file string) string {
	if r == nil {
		return file
	}
	if rel, err := filepath.Rel(r.dir, file); err == nil && filepath.IsLocal(rel) {
		return r.label + ":" + filepath.ToSlash(rel)
	}
	return file
}

// checkout writes out what an argument git:REV[:PATH] stands for. A path is one from the root of the repository, or with
// "./" in front from the working directory; without one it is beside, the other argument of the command.
func checkout(arg, beside string) (*revision, error) {
	rev, name, given := strings.Cut(strings.TrimPrefix(arg, gitPrefix), ":")
	switch {
	case rev == "" || strings.HasPrefix(rev, "-"):
		return nil, usage("%s names no revision: git:REV or git:REV:PATH", arg)
	case !given && (strings.HasPrefix(beside, gitPrefix) || beside == "-"):
		return nil, usage("%s names no path, and the other argument none in the working directory: git:REV:PATH", arg)
	}
	at := "."
	if !given {
		info, err := os.Stat(beside)
		if err != nil {
			return nil, failure(err)
		}
		if at = beside; !info.IsDir() {
			at = filepath.Dir(beside)
		}
	}
	root, err := runGit(at, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	prefix, err := runGit(at, "rev-parse", "--show-prefix") // of at, from the root
	if err != nil {
		return nil, err
	}
	switch {
	case !given && at == beside:
		name = prefix
	case !given:
		name = path.Join(prefix, filepath.Base(beside))
	case strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../"):
		name = path.Join(prefix, name)
	}
	if name = path.Clean(strings.TrimSuffix(name, "/")); !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, usage("%s: the path leaves the repository", arg)
	}
	commit, err := runGit(root, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return nil, usage("%s: the repository has no revision %s", arg, rev)
	}
	dir, err := os.MkdirTemp("", "meshgen-git-")
	if err != nil {
		return nil, failure(err)
	}
	r := &revision{dir: dir, path: filepath.Join(dir, filepath.FromSlash(name)), label: rev}
	if err := r.fill(root, commit, name, arg); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return r, nil
}

// fill writes the files that the path needs: a folder as it is, a file with those of its folder, or, in a CUE module, with
// the CUE files of the module.
func (r *revision) fill(root, commit, name, arg string) error {
	object := commit + ":" + name
	if name == "." {
		object = commit + ":"
	}
	kind, err := runGit(root, "cat-file", "-t", object)
	if err != nil {
		return usage("%s: the revision has no %s", arg, name)
	}
	from, keep := name, func(string) bool { return true }
	if kind == "blob" {
		from = path.Dir(name)
		in := from
		keep = func(file string) bool { return path.Dir(file) == in }
	}
	for d := from; ; d = path.Dir(d) { // a module's other packages may be imported
		if _, err := runGit(root, "cat-file", "-e", commit+":"+path.Join(d, "cue.mod")); err == nil {
			from, keep = d, func(file string) bool {
				return kind == "tree" && strings.HasPrefix(file, name+"/") || path.Ext(file) == ".cue" || path.Dir(file) == path.Dir(name)
			}
			break
		}
		if d == "." {
			break
		}
	}
	args := []string{"archive", "--format=tar", commit}
	if from != "." {
		args = append(args, "--", from)
	}
	archive, err := gitBytes(root, args...)
	if err != nil {
		return err
	}
	return unpack(archive, r.dir, keep)
}

// unpack writes the regular files of an archive that keep takes. Links are left out: they could lead anywhere.
func unpack(archive []byte, dir string, keep func(string) bool) error {
	t := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return failure(err)
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) || !keep(h.Name) {
			continue
		}
		file := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return failure(err)
		}
		text, err := io.ReadAll(t)
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			return failure(err)
		}
	}
}

// runGit runs the git program in a folder and returns what it prints, without the last line end.
func runGit(dir string, args ...string) (string, error) {
	out, err := gitBytes(dir, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

func gitBytes(dir string, args ...string) ([]byte, error) {
	bin, err := exec.LookPath("git")
	if err != nil {
		return nil, failure(errors.New("an argument git:… needs the git program, which is not there"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), gitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, slices.Concat([]string{"-C", dir}, args)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return nil, failure(fmt.Errorf("git %s: %w: %s", args[0], err, first))
	}
	return out.Bytes(), nil
}
