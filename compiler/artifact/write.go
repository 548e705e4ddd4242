package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Result says what a write did.
type Result struct {
	Written   int    // files that are new or have new content
	Unchanged int    // files that were there already; inode and time stay
	Deleted   int    // files that the former manifests list and the new ones do not
	Foreign   int    // files that no manifest lists; they stay
	Fallback  string // why the files were replaced one by one; empty when one swap replaced all
}

// Write makes the directory hold the trees, each of one site: the sites' former files that are no longer wanted go,
// everything else stays. All trees come in together, or none; see Update.
func Write(dir string, trees ...*Tree) (Result, error) {
	u, err := Open(dir)
	if err != nil {
		return Result{}, err
	}
	defer u.Close()
	for _, t := range trees {
		if err := u.Add(t); err != nil {
			return Result{}, err
		}
	}
	return u.Commit()
}

// Update is one replacement of an output directory. The new tree grows in a hidden sibling, so that a fleet need not
// stay in memory; Commit swaps the two directories in one system call. Where that cannot be done it replaces file by
// file, manifests last. One Update at a time holds the directory; the next one waits in Open.
type Update struct {
	cmp      *comparison
	box      string // the hidden directory around the new tree
	locks    []*os.File
	fallback string          // why there can be no swap
	created  bool            // the output directory was not there
	made     map[string]bool // directories of the new tree
	carried  []string        // foreign files linked into it
}

// Names inside the box. A tree is in staging until everything is in it, and in swapping from just before the swap until
// the old tree is gone: a leftover in staging can be thrown away, one in swapping may be the old tree.
const (
	staging  = "new"
	swapping = "swap"
	ignore   = ".gitignore"
)

// Open begins to replace an output directory: it waits for a build under way, removes what a killed one left, and makes
// room beside it. A directory that does not exist is made, a symbolic link followed. The caller must Close the Update.
func Open(dir string) (*Update, error) {
	out, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	u := &Update{cmp: newComparison(out), made: map[string]bool{}}
	if _, err := os.Stat(out); errors.Is(err, fs.ErrNotExist) {
		u.created = true
	}
	lock, err := lockDir(out)
	if err != nil {
		return nil, err
	}
	if lock != nil {
		u.locks = append(u.locks, lock)
	}
	sibling, inside := boxes(out)
	for _, box := range []string{sibling, inside} {
		if err := reclaim(box, out); err != nil {
			u.unlock()
			return nil, err
		}
	}
	entries, err := os.ReadDir(out)
	u.cmp.empty = err == nil && len(entries) == 0 && lock != nil
	u.box = sibling
	err = os.Mkdir(u.box, 0o755)
	if err != nil { // a parent that may not be written: stage below the output directory, where no swap is possible
		u.fallback = fmt.Sprintf("no directory can be made beside %s", out)
		u.box = inside
		err = os.Mkdir(u.box, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(u.box, ignore), []byte("*\n"), 0o644)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(u.box, staging), 0o755)
	}
	if err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

// resolve returns the absolute path of the directory behind every symbolic link.
func resolve(dir string) (string, error) {
	out, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(out)
	switch {
	case err == nil:
		out = real
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	default:
		if _, err := os.Lstat(out); err == nil {
			return "", fmt.Errorf("%s is a symbolic link to nothing", out)
		}
	}
	if info, err := os.Stat(out); err == nil && !info.IsDir() {
		return "", fmt.Errorf("%s is a file, not a directory", out)
	}
	if filepath.Dir(out) == out {
		return "", fmt.Errorf("%s cannot be an output directory", out)
	}
	return out, nil
}

// boxes returns where the new tree may grow: beside the output directory, or inside it.
func boxes(out string) (sibling, inside string) {
	name := "." + filepath.Base(out) + ".meshgen"
	return filepath.Join(filepath.Dir(out), name), filepath.Join(out, name)
}

// Add stages a sealed tree: what is new or changed, and every manifest. Trees may share files as long as these are equal.
func (u *Update) Add(t *Tree) error {
	return u.cmp.add(t, func(f *File, s status) error {
		if s == unchanged && !isManifest(f.path) {
			return nil // most builds change nothing: see keep
		}
		dst := u.staged(f.path)
		if err := u.mkdir(filepath.Dir(dst)); err != nil {
			return err
		}
		if s == unchanged && os.Link(u.cmp.disk(f.path), dst) == nil {
			return nil
		}
		return os.WriteFile(dst, f.data, f.Mode())
	})
}

// Others returns the sites that the output directory has and none of the added trees is of, sorted: they stay as they are.
func (u *Update) Others() ([]string, error) { return u.cmp.otherSites() }

// Prune has Commit delete the files of the sites that no tree was added for, and returns these sites, sorted. What another
// site lists as well stays, as do foreign files.
func (u *Update) Prune() ([]string, error) { return u.cmp.prune() }

func (u *Update) staged(name string) string {
	return filepath.Join(u.box, staging, filepath.FromSlash(name))
}

// mkdir makes a directory of the new tree once.
func (u *Update) mkdir(dir string) error {
	if u.made[dir] {
		return nil
	}
	u.made[dir] = true
	return os.MkdirAll(dir, 0o755)
}

// Commit puts the new tree in place. When nothing would change it touches nothing. An error that names files which no
// build wrote, standing where the new tree has its own, leaves everything as it was.
func (u *Update) Commit() (Result, error) {
	changes, err := u.cmp.settle()
	if err != nil {
		return Result{}, err
	}
	u.created = false
	r := Result{
		Written:   len(changes.Added) + len(changes.Changed),
		Unchanged: len(u.cmp.planned) - len(changes.Added) - len(changes.Changed),
		Deleted:   len(changes.Removed),
	}
	if changes.Empty() {
		r.Foreign, err = u.cmp.foreign(nil, nil)
		return r, err
	}
	if u.fallback == "" {
		if err := u.keep(); err != nil {
			return Result{}, err
		}
		r.Foreign, err = u.carry()
		if c := (*conflictError)(nil); errors.As(err, &c) {
			return Result{}, err
		}
		if err != nil {
			u.fallback = err.Error()
		}
	}
	if u.fallback == "" {
		swapped, err := u.swap()
		if swapped || err != nil {
			return r, err
		}
	}
	r.Fallback = u.fallback
	r.Foreign, err = u.replace(changes)
	return r, err
}

// swap exchanges the two directories and clears up the old one. It reports false, with the reason in u.fallback, when
// the exchange cannot be done.
func (u *Update) swap() (bool, error) {
	from, to := filepath.Join(u.box, staging), filepath.Join(u.box, swapping)
	if err := os.Rename(from, to); err != nil {
		return false, err
	}
	// Whoever waits for the old directory will turn to the new one: hold that too.
	lock, err := lockDir(to)
	if err != nil {
		return false, err
	}
	if lock != nil {
		u.locks = append(u.locks, lock)
	}
	if err := exchange(u.cmp.dir, to); err != nil {
		u.fallback = swapReason(u.cmp.dir, err)
		return false, os.Rename(to, from)
	}
	if err := u.dropVanished(to); err != nil {
		return true, err
	}
	return true, drain(to, u.cmp.dir, func(p string) bool { return u.cmp.own[p] || u.cmp.plans(p) })
}

// Close ends the update. Without a Commit before it, nothing of it remains.
func (u *Update) Close() error {
	var errs []error
	// After a swap that could not be cleared up the old tree stays for the next build: it may hold foreign files.
	// Removal of what is not there fails, too, where nothing can be written: Open has said so already.
	if exists(u.box) && !exists(filepath.Join(u.box, swapping)) {
		errs = append(errs, os.RemoveAll(u.box))
	}
	if u.created {
		_ = os.Remove(u.cmp.dir) // fails when somebody has put a file into it, as it should
	}
	return errors.Join(append(errs, u.unlock())...)
}

func (u *Update) unlock() error {
	var errs []error
	for _, l := range u.locks {
		errs = append(errs, l.Close())
	}
	u.locks = nil
	return errors.Join(errs...)
}

// conflictError names files that stand where the new tree has its own and that no manifest lists.
type conflictError struct{ paths []string }

func (e *conflictError) Error() string {
	const most = 10
	list, more := e.paths, ""
	if len(list) > most {
		more = fmt.Sprintf(" and %d more", len(list)-most)
		list = list[:most]
	}
	return fmt.Sprintf("not written by meshgen, and in its way: %s%s; move them or choose another output directory",
		strings.Join(list, ", "), more)
}

// swapReason says why the system refused to exchange the directory with the new one.
func swapReason(dir string, err error) string {
	switch {
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EXDEV):
		return dir + " is a mount point"
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EINVAL):
		return "the file system cannot exchange two directories"
	}
	return fmt.Sprintf("%s cannot be exchanged: %v", dir, err)
}
