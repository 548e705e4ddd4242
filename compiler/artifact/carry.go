package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// foreign walks the directory and hands each file that no site written has to file, and each directory, with its mode,
// to dir before what is in it. Both may be nil. It counts the files that no manifest lists.
func (c *comparison) foreign(file func(name string) error, dir func(name string, mode fs.FileMode) error) (int, error) {
	n := 0
	_, inside := boxes(c.dir)
	err := filepath.WalkDir(c.dir, func(p string, d fs.DirEntry, err error) error {
		name := relative(c.dir, p)
		switch {
		case err != nil:
			return err
		case p == inside:
			return filepath.SkipDir
		case d.IsDir() && dir != nil:
			info, err := d.Info()
			if err != nil {
				return err
			}
			return dir(name, info.Mode())
		case d.IsDir() || c.own[name] || temporary(name):
			return nil
		}
		if p, ours := c.planned[name]; ours {
			if p.status == added { // it was not there a moment ago
				return &conflictError{[]string{name}}
			}
			return nil
		}
		if other, err := c.otherSite(name); err != nil || !other {
			n++
		}
		if file == nil {
			return nil
		}
		return file(name)
	})
	return n, err
}

// keep links every unchanged file into the new tree. One that somebody replaced since it was compared is an error, with
// nothing written: the new tree would not hold what its manifest says.
func (u *Update) keep() error {
	for _, name := range slices.Sorted(maps.Keys(u.cmp.planned)) {
		p := u.cmp.planned[name]
		if p.status != unchanged || isManifest(name) {
			continue
		}
		from, to := u.cmp.disk(name), u.staged(name)
		if info, err := os.Lstat(from); err != nil && !absent(err) {
			return err
		} else if err != nil || info.ModTime().UnixNano() != p.modified {
			return fmt.Errorf("%s was changed by somebody else while this build compared it: build again", from)
		}
		if err := u.mkdir(filepath.Dir(to)); err != nil {
			return err
		}
		if os.Link(from, to) == nil {
			continue
		}
		data, err := os.ReadFile(from) // a file system without links
		if err == nil {
			err = os.WriteFile(to, data, p.mode)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// carry links every foreign file into the new tree, keeps foreign directories even when empty, and gives directories
// that stay their former mode.
func (u *Update) carry() (int, error) {
	modes := map[string]fs.FileMode{}
	n, err := u.cmp.foreign(func(name string) error {
		if err := u.mkdir(filepath.Dir(u.staged(name))); err != nil {
			return err
		}
		if err := link(u.cmp.disk(name), u.staged(name)); err != nil {
			return fmt.Errorf("%s cannot be linked: %w", name, errors.Unwrap(err))
		}
		u.carried = append(u.carried, name)
		return nil
	}, func(name string, mode fs.FileMode) error {
		modes[name] = mode
		if name == "." || u.cmp.ownDirs[name] || u.cmp.plans(name) {
			return nil
		}
		return u.mkdir(u.staged(name))
	})
	if err != nil {
		return n, err
	}
	// Inner directories first: an outer one may be closed to us afterwards.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(modes))) {
		info, err := os.Lstat(u.staged(name))
		if absent(err) {
			continue
		}
		if err == nil && info.Mode() != modes[name] {
			err = os.Chmod(u.staged(name), modes[name])
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// link gives a file a second name. A symbolic link is made anew: not every system links the link itself.
func link(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return os.Link(from, to)
	}
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

// dropVanished removes from the new tree the foreign files that somebody deleted from the old one, now at old, after
// they had been linked.
func (u *Update) dropVanished(old string) error {
	for _, name := range u.carried {
		_, err := os.Lstat(filepath.Join(old, filepath.FromSlash(name)))
		if absent(err) {
			err = os.Remove(u.cmp.disk(name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drain empties and removes an old tree that out has replaced. Generated files are deleted, manifests last, so that
// another build can finish what a kill interrupts; a foreign file goes when out has it, and moves to out when it
// appeared, or was replaced, meanwhile.
func drain(old, out string, generated func(name string) bool) error {
	const rounds = 100 // a program may still be writing into the old directory
	var last error
	for range rounds {
		var manifests, dirs []string
		err := filepath.WalkDir(old, func(p string, d fs.DirEntry, err error) error {
			name := relative(old, p)
			switch {
			case err != nil:
				return err
			case d.IsDir():
				dirs = append(dirs, p)
				return nil
			case generated(name) && isManifest(name):
				manifests = append(manifests, p)
				return nil
			case generated(name) || temporary(name):
				return os.Remove(p)
			}
			return rescue(p, filepath.Join(out, filepath.FromSlash(name)))
		})
		for _, m := range manifests {
			err = errors.Join(err, os.Remove(m))
		}
		if err != nil {
			return err
		}
		for _, d := range slices.Backward(dirs) {
			last = os.Remove(d)
		}
		if last == nil {
			return nil
		}
	}
	return last
}

// rescue moves a foreign file of the old tree to its place unless that holds it already. Of two different ones the
// younger stays: a program replaced the other.
func rescue(from, to string) error {
	a, err := os.Lstat(from)
	if err != nil {
		return err
	}
	b, err := os.Lstat(to)
	switch {
	case absent(err):
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.Rename(from, to)
	case err != nil:
		return err
	case os.SameFile(a, b) || sameTarget(from, to) || !a.ModTime().After(b.ModTime()):
		return os.Remove(from)
	}
	return os.Rename(from, to)
}

func sameTarget(a, b string) bool {
	x, err := os.Readlink(a)
	if err != nil {
		return false
	}
	y, err := os.Readlink(b)
	return err == nil && x == y
}

// reclaim removes what a killed build left at box. If that may be the old tree, its foreign files go to out first.
func reclaim(box, out string) error {
	entries, err := os.ReadDir(box)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if n := e.Name(); n != staging && n != swapping && n != ignore {
			return fmt.Errorf("%s is not what a former build left (it holds %s): move it away", box, n)
		}
	}
	if old := filepath.Join(box, swapping); exists(old) {
		listed := newComparison(out)
		ours := map[string]bool{}
		for _, dir := range []string{old, out} {
			listed.dir = dir
			names, err := manifestsIn(dir)
			if err != nil {
				return err
			}
			for _, n := range names {
				if err := listed.list(n, ours); err != nil {
					return err
				}
			}
		}
		if err := drain(old, out, func(name string) bool { return ours[name] }); err != nil {
			return err
		}
	}
	return os.RemoveAll(box)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// temporary reports whether a path is one of ours that exists only while a file is replaced.
func temporary(name string) bool {
	base := path.Base(filepath.ToSlash(name))
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, temporarySuffix)
}
