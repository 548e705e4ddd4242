package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"meshgen.dev/meshgen/compiler/load"
)

// changedSites returns the sites that changed files belong to, each once. A file that several sites of its folder have in
// common stands for all of them.
func (c *command) changedSites(files []string) []input {
	var out []input
	seen := map[string]bool{}
	for _, name := range files {
		name = filepath.Clean(name)
		if seen[name] {
			continue
		}
		seen[name] = true
		sites := []input{{name: name, paths: []string{name}}}
		if filepath.Ext(name) == ".cue" {
			if sites = c.sitesWith(name); len(sites) == 0 {
				fmt.Fprintf(c.stderr, "%s: its package has no apiVersion, so it is no site: passed over\n", name)
			}
		}
		out = append(out, sites...)
	}
	slices.SortFunc(out, func(a, b input) int { return cmp.Or(cmp.Compare(a.name, b.name), slices.Compare(a.paths, b.paths)) })
	return slices.CompactFunc(out, func(a, b input) bool { return slices.Equal(a.paths, b.paths) })
}

// sitesWith returns the sites of a file's folder that it is part of. A file that CUE leaves aside, as a test, is taken
// alone.
func (c *command) sitesWith(name string) []input {
	sites, _, err := sitesIn(filepath.Dir(name))
	if err != nil {
		return []input{{name: name, paths: []string{name}}} // reading it says why
	}
	sites = slices.DeleteFunc(sites, func(in input) bool { return !slices.Contains(in.paths, name) })
	if len(sites) == 0 && load.OutlineOf(name).Site {
		sites = []input{{name: name, paths: []string{name}}}
	}
	return sites
}
