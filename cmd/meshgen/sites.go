package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/load"
)

// input is one site: what to call it, and the files or the folder that describe it.
type input struct {
	name  string
	paths []string
	whole bool // the paths are all that belongs to it
}

// recursive ends an argument that stands for all folders below.
const recursive = "..."

// sitesAt returns the sites that the arguments stand for, each once, sorted by name. An argument is a file, "-", a folder,
// or a folder and "/...", which stands for it and all folders below. Without arguments it is site.cue.
func (c *command) sitesAt(args []string) ([]input, error) {
	if len(args) == 0 {
		args = []string{"site.cue"}
	}
	var out []input
	for _, a := range args {
		dir, all := strings.CutSuffix(filepath.ToSlash(a), "/"+recursive)
		if a == recursive {
			dir, all = ".", true
		}
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir() && all:
			sites, others, err := sitesBelow(dir)
			if err != nil {
				return nil, failure(err)
			}
			if len(sites) == 0 {
				return nil, usage("%s: no file in it describes a site", a)
			}
			if others > 0 {
				fmt.Fprintf(c.stderr, "%s: %d files that describe no site: passed over\n", a, others)
			}
			out = append(out, sites...)
		case err == nil && info.IsDir():
			sites, _, err := sitesIn(dir)
			if err != nil {
				return nil, failure(err)
			}
			switch {
			case len(sites) == 1 && sites[0].whole:
				sites[0].name = a
			case len(sites) < 2: // one site, or what is wrong with the folder is told when it is read
				sites = []input{{name: a, paths: []string{a}}}
			}
			out = append(out, sites...)
		default: // a file; what is none is told when it is read
			name := a
			if a != "-" {
				name = filepath.Clean(a)
			}
			out = append(out, input{name: name, paths: []string{name}})
		}
	}
	slices.SortStableFunc(out, func(a, b input) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b input) bool { return slices.Equal(a.paths, b.paths) }), nil
}

// sitesBelow returns the sites of a folder and of all below it, and counts the files that describe none. It passes over
// hidden folders, those that begin with "_", CUE's modules, and trees that meshgen has written.
func sitesBelow(root string) (out []input, others int, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if n := d.Name(); p != root && (strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_") || n == "cue.mod" || written(p)) {
			return filepath.SkipDir
		}
		sites, not, err := sitesIn(p)
		out, others = append(out, sites...), others+not
		return err
	})
	return out, others, err
}

// written reports whether a folder is an output tree.
func written(dir string) bool {
	manifests, _ := filepath.Glob(filepath.Join(dir, artifact.ManifestDir, "*.json"))
	return slices.ContainsFunc(manifests, func(name string) bool {
		text, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		m, err := artifact.ReadManifest(text)
		return err == nil && m.Site+".json" == filepath.Base(name)
	})
}

// sitesIn returns the sites of one folder, and counts the files that describe none. A file of YAML or JSON is a site, and
// so is one of CUE without a package. A CUE package is one; but where several of its files give a name, each of these is a
// site, and the other files of the package belong to every one of them.
func sitesIn(dir string) (out []input, others int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	packages := map[string][]member{}
	for _, e := range entries {
		n := e.Name()
		ext := strings.ToLower(filepath.Ext(n))
		aside := e.IsDir() || strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_") || strings.HasSuffix(n, "_test.cue") || strings.HasSuffix(n, "_tool.cue")
		if aside || !slices.Contains([]string{".cue", ".yaml", ".yml", ".json"}, ext) {
			continue
		}
		m := member{filepath.Join(dir, n), load.OutlineOf(filepath.Join(dir, n))}
		switch {
		case m.Package != "":
			packages[m.Package] = append(packages[m.Package], m)
		case m.Site:
			out = append(out, input{m.file, []string{m.file}, ext != ".cue"})
		default:
			others++
		}
	}
	for _, files := range packages {
		sites := sitesOf(files)
		if len(sites) == 0 {
			others += len(files)
		}
		out = append(out, sites...)
	}
	slices.SortFunc(out, func(a, b input) int { return cmp.Compare(a.name, b.name) })
	return out, others, nil
}

// member is one file of a package.
type member struct {
	file string
	load.Outline
}

// sitesOf returns the sites that the files of one package describe; there is at least one file.
func sitesOf(files []member) []input {
	var named, common []string
	isSite := false
	for _, m := range files {
		isSite = isSite || m.Site
		if m.Named {
			named = append(named, m.file)
		} else {
			common = append(common, m.file)
		}
	}
	if !isSite {
		return nil
	}
	if len(named) == 0 {
		return []input{{common[0], common, true}}
	}
	var out []input
	for _, n := range named {
		all := append([]string{n}, common...)
		slices.Sort(all)
		out = append(out, input{n, all, true})
	}
	return out
}
