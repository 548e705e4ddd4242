package artifact

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Changes are the paths that a write would touch, each list sorted.
type Changes struct {
	Added, Changed, Removed []string
}

// Empty reports whether nothing would change.
func (c Changes) Empty() bool { return len(c.Added)+len(c.Changed)+len(c.Removed) == 0 }

// Check returns what Write would change, and its error where it would refuse. It writes nothing and takes no lock.
func Check(dir string, trees ...*Tree) (Changes, error) {
	c, err := NewChecker(dir)
	if err != nil {
		return Changes{}, err
	}
	for _, t := range trees {
		if err := c.Add(t); err != nil {
			return Changes{}, err
		}
	}
	return c.Changes()
}

// Checker is Check for trees that need not be in memory all at once.
type Checker struct{ cmp *comparison }

// NewChecker begins to compare trees with an output directory, which need not exist.
func NewChecker(dir string) (*Checker, error) {
	out, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return &Checker{newComparison(out)}, nil
}

// Add compares a sealed tree.
func (c *Checker) Add(t *Tree) error {
	return c.cmp.add(t, func(*File, status) error { return nil })
}

// Prune is as in Update.
func (c *Checker) Prune() ([]string, error) { return c.cmp.prune() }

// Changes returns what writing the trees would change, or the error where that would be refused.
func (c *Checker) Changes() (Changes, error) { return c.cmp.settle() }

// status is how a file of the new tree compares with the disk.
type status int

const (
	added status = iota
	changed
	unchanged
)

type plannedFile struct {
	sum      [sha256.Size]byte
	mode     fs.FileMode
	status   status
	modified int64 // of an unchanged file: when, in nanoseconds, by the time of the file
}

// comparison is the new tree against the directory, first file by file, then, once all sites are known, as a whole.
type comparison struct {
	dir     string
	empty   bool            // it was, when nobody else could write into it: no file needs to be looked for
	sites   map[string]bool // of the new tree, and those that go
	planned map[string]plannedFile
	same    map[string]bool // sites whose former manifest is the new one
	own     map[string]bool // after settle: the former manifests of the sites, and what these and no other sites' list
	ownDirs map[string]bool // directories above own
	others  map[string]bool // what the manifests of other sites list; nil until it matters
}

func newComparison(dir string) *comparison {
	return &comparison{dir: dir, sites: map[string]bool{}, planned: map[string]plannedFile{}, same: map[string]bool{}, own: map[string]bool{}}
}

func (c *comparison) disk(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

func (c *comparison) plans(name string) bool {
	_, ok := c.planned[name]
	return ok
}

// add compares the files of one site and hands each to stage, the manifest first: a staged tree always holds the
// manifest of whatever else is in it.
func (c *comparison) add(t *Tree, stage func(*File, status) error) error {
	if err := t.Err(); err != nil {
		return err
	}
	if !t.sealed {
		return errors.New("the tree has no manifest: Seal it first")
	}
	if c.sites[t.site] {
		return fmt.Errorf("site %s is written twice", t.site)
	}
	c.sites[t.site] = true
	manifest := t.Lookup(ManifestPath(t.site))
	for _, f := range append([]*File{manifest}, t.Files()...) {
		p, shared := c.planned[f.path]
		if shared && f == manifest {
			continue // its second turn
		}
		if shared {
			if p.sum != f.sum || p.mode != f.Mode() {
				return fmt.Errorf("two sites, one of them %s, disagree about the content of %s", t.site, f.path)
			}
			continue
		}
		s, modified, err := c.compare(f)
		if err != nil {
			return err
		}
		c.planned[f.path] = plannedFile{f.sum, f.Mode(), s, modified}
		if err := stage(f, s); err != nil {
			return err
		}
	}
	if c.planned[manifest.path].status == unchanged { // it need not be read to know what it lists
		c.same[t.site] = true
		for _, f := range t.Files() {
			c.own[f.path] = true
		}
	}
	return nil
}

// compare returns the status of a file, and when an unchanged one was last modified.
func (c *comparison) compare(f *File) (status, int64, error) {
	if c.empty {
		return added, 0, nil
	}
	info, err := os.Lstat(c.disk(f.path))
	if absent(err) {
		return added, 0, nil
	}
	if err != nil {
		return added, 0, err
	}
	if !info.Mode().IsRegular() || info.Size() != int64(len(f.data)) || (info.Mode()&0o100 != 0) != f.exec {
		return changed, 0, nil
	}
	data, err := os.ReadFile(c.disk(f.path))
	if err != nil {
		return added, 0, err
	}
	if !bytes.Equal(data, f.data) {
		return changed, 0, nil
	}
	return unchanged, info.ModTime().UnixNano(), nil
}

// absent reports whether a path does not exist, also because a file stands where one of its directories would be.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// settle reads the former manifests and returns the changes, or the files that are in the way.
func (c *comparison) settle() (Changes, error) {
	for site := range c.sites {
		former := []string{nextManifest(site)}
		if !c.same[site] {
			former = append(former, ManifestPath(site))
		}
		for _, name := range former {
			if err := c.list(name, c.own); err != nil {
				return Changes{}, err
			}
		}
	}
	var ch Changes
	for name, p := range c.planned {
		switch p.status {
		case added:
			ch.Added = append(ch.Added, name)
		case changed:
			ch.Changed = append(ch.Changed, name)
		}
	}
	for name := range c.own {
		if c.plans(name) {
			continue
		}
		info, err := os.Lstat(c.disk(name))
		if absent(err) || err == nil && info.IsDir() {
			continue
		}
		if err != nil {
			return Changes{}, err
		}
		if kept, err := c.otherSite(name); err != nil {
			return Changes{}, err
		} else if kept {
			delete(c.own, name)
		} else {
			ch.Removed = append(ch.Removed, name)
		}
	}
	c.ownDirs = parents(c.own)
	for _, l := range [][]string{ch.Added, ch.Changed, ch.Removed} {
		slices.Sort(l)
	}
	return ch, c.conflicts(ch)
}

// list adds a manifest on disk and what it lists to set; a missing manifest adds nothing.
func (c *comparison) list(name string, set map[string]bool) error {
	data, err := os.ReadFile(c.disk(name))
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := ReadManifest(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.disk(name), err)
	}
	set[name] = true
	for _, e := range m.Files {
		set[e.Path] = true
	}
	return nil
}

// otherSite reports whether the manifest of a site that is not being written lists the file.
func (c *comparison) otherSite(name string) (bool, error) {
	if c.others == nil {
		c.others = map[string]bool{}
		names, err := manifestsIn(c.dir)
		if err != nil {
			return false, err
		}
		for _, n := range names {
			if !c.own[n] && !c.plans(n) {
				if err := c.list(n, c.others); err != nil {
					return false, err
				}
			}
		}
	}
	return c.others[name], nil
}

// conflicts returns an error with every foreign file that stands where the new tree has a file or a directory. One with
// the very content that would be written is no conflict.
func (c *comparison) conflicts(ch Changes) error {
	var found []string
	foreign := func(name string) error {
		if c.own[name] {
			return nil
		}
		known, err := c.otherSite(name)
		if err == nil && !known {
			found = append(found, name)
		}
		return err
	}
	for dir := range parents(c.planned) {
		info, err := os.Lstat(c.disk(dir))
		if err == nil && !info.IsDir() {
			err = foreign(dir)
		}
		if err != nil && !absent(err) {
			return err
		}
	}
	for _, name := range ch.Changed {
		err := filepath.WalkDir(c.disk(name), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return foreign(path.Join(name, relative(c.disk(name), p)))
		})
		if err != nil {
			return err
		}
	}
	if found == nil {
		return nil
	}
	slices.Sort(found)
	return &conflictError{slices.Compact(found)}
}

// parents returns every directory above the paths.
func parents[V any](paths map[string]V) map[string]bool {
	dirs := map[string]bool{}
	for name := range paths {
		for d := path.Dir(name); d != "." && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
		}
	}
	return dirs
}

// relative returns the slash path of p below dir, "." for dir itself.
func relative(dir, p string) string {
	if p == dir {
		return "."
	}
	return filepath.ToSlash(strings.TrimPrefix(p, dir+string(filepath.Separator)))
}

// otherSites returns the sites that the directory has manifests of and the new tree has not, sorted.
func (c *comparison) otherSites() ([]string, error) {
	names, err := manifestsIn(c.dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range names {
		site := strings.TrimSuffix(strings.TrimSuffix(path.Base(n), ".new"), ".json")
		if !c.sites[site] {
			out = append(out, site)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// prune has the other sites' files go, and returns these sites.
func (c *comparison) prune() ([]string, error) {
	gone, err := c.otherSites()
	for _, site := range gone {
		c.sites[site] = true
	}
	return gone, err
}

// nextManifest is where a replacement file by file keeps the new manifest until everything that it lists is there.
func nextManifest(site string) string { return ManifestPath(site) + ".new" }

// isManifest reports whether a path of a tree is that of a site's manifest.
func isManifest(name string) bool { return path.Dir(name) == ManifestDir }

// manifestsIn returns the paths of all manifests of a tree on disk.
func manifestsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, ManifestDir))
	if absent(err) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, ".json") || strings.HasSuffix(n, ".json.new") {
			names = append(names, ManifestDir+"/"+n)
		}
	}
	return names, err
}
