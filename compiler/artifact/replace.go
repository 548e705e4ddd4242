package artifact

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// temporarySuffix ends the hidden name under which a file is written before it takes its place.
const temporarySuffix = ".meshgen-new"

// replace changes the directory file by file. The new manifests stand beside the former ones from the beginning and take
// their place at the end, so that after a kill the next build knows every file of the mixture. It returns the number of
// foreign files.
func (u *Update) replace(ch Changes) (int, error) {
	n, err := u.cmp.foreign(nil, nil)
	if err != nil {
		return n, err
	}
	next := map[string]string{} // where a manifest waits → its place
	var gone []string           // manifests of sites that go, to be removed last: until then they list what is left
	for site := range u.cmp.sites {
		if !u.cmp.plans(ManifestPath(site)) {
			gone = append(gone, ManifestPath(site), nextManifest(site))
			continue
		}
		next[nextManifest(site)] = ManifestPath(site)
	}
	for waiting, m := range next {
		if err := u.place(m, waiting); err != nil {
			return n, err
		}
	}
	// Removal comes first: a file may have to make room for a directory.
	for _, name := range ch.Removed {
		if _, waits := next[name]; waits || slices.Contains(gone, name) {
			continue
		}
		if err := u.remove(name); err != nil {
			return n, err
		}
	}
	for _, name := range slices.Concat(ch.Added, ch.Changed) {
		if _, waits := next[name+".new"]; waits {
			continue
		}
		if err := u.place(name, name); err != nil {
			return n, err
		}
	}
	for waiting, m := range next {
		if err := os.Rename(u.cmp.disk(waiting), u.cmp.disk(m)); err != nil {
			return n, err
		}
	}
	for _, m := range gone {
		if err := u.remove(m); err != nil {
			return n, err
		}
	}
	return n, removeTemporary(u.cmp.dir)
}

// place gives the output directory a file of the new tree under a name.
func (u *Update) place(staged, name string) error {
	data, err := os.ReadFile(u.staged(staged))
	if err != nil {
		return err
	}
	dst := u.cmp.disk(name)
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	if info, err := os.Lstat(dst); err == nil && info.IsDir() {
		if err := os.Remove(dst); err != nil { // an empty one: with a file in it there would have been a conflict
			return err
		}
	}
	// Beside its place and not in the box: a rename cannot leave a file system.
	tmp := filepath.Join(filepath.Dir(dst), "."+filepath.Base(dst)+temporarySuffix)
	if err := os.Remove(tmp); err != nil && !absent(err) { // a killed build's, perhaps of another mode
		return err
	}
	if err := os.WriteFile(tmp, data, u.cmp.planned[staged].mode); err != nil {
		return err
	}
	return os.Rename(tmp, dst)
}

// remove deletes a generated file and the directories that it leaves empty.
func (u *Update) remove(name string) error {
	if err := os.Remove(u.cmp.disk(name)); err != nil && !absent(err) {
		return err
	}
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if os.Remove(u.cmp.disk(d)) != nil {
			break // not empty
		}
	}
	return nil
}

// removeTemporary deletes what a killed replacement left of its files in the making.
func removeTemporary(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !temporary(p) {
			return err
		}
		return os.Remove(p)
	})
}
