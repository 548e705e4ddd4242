package compiler

import (
	"crypto/sha256"
	"slices"
	"sync"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
	"meshgen.dev/meshgen/compiler/verify"
)

// Fleet is sites that are compiled together: each sees the others, and the rules across sites have run. Its sites can be
// compiled in any order and by several goroutines, each by one.
type Fleet struct {
	Ran   int             // rules across sites that ran
	Rules map[string]bool // their IDs

	sources []*load.Source
	sites   site.Fleet
	found   []diag.List // of the rules across sites, by site

	mu      sync.Mutex
	layouts map[[sha256.Size]byte]bool // those that kustomize has built
}

// NewFleet runs the rules across sites. A site alone is a fleet in which they do not run.
func NewFleet(sources []*load.Source, opt Options) (*Fleet, error) {
	f := &Fleet{sources: sources, found: make([]diag.List, len(sources)), Rules: map[string]bool{}, layouts: map[[sha256.Size]byte]bool{}}
	if len(sources) < 2 {
		return f, nil
	}
	for _, src := range sources {
		f.sites = append(f.sites, src.Site)
	}
	set, err := opt.profiles()
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(slices.Clone(rules.All), func(r *check.Rule) bool { return r.On != check.OnFleet || !opt.picks(r) })
	for _, r := range list {
		f.Rules[r.ID] = true
	}
	found, ran := check.Run(list, check.OnFleet, check.Input{Fleet: f.sites, Profiles: set, Now: opt.Now})
	f.Ran = ran
	for _, one := range found {
		f.locate(&one)
		f.found[one.Site] = append(f.found[one.Site], one)
	}
	return f, nil
}

// locate finds the places of a finding in the files of the sites that it names.
func (f *Fleet) locate(one *diag.Finding) {
	one.Pos = f.sources[one.Site].PosOf(one.Path)
	for i := range one.Related {
		r := &one.Related[i]
		r.Pos = f.sources[r.Site].PosOf(r.Path)
		f.sources[r.Site].Release()
	}
	f.sources[one.Site].Release() // or a fleet with a finding in each site would keep them all in memory
}

// Vet is the function Vet for one site of the fleet, by its place among the sources.
func (f *Fleet) Vet(n int, opt Options) (*Output, error) {
	return vetAmong(f.around(n), f.sources[n], opt, false)
}

// Compile is the function Compile for one site of the fleet, by its place among the sources.
func (f *Fleet) Compile(n int, opt Options) (*Output, error) {
	return compileAmong(f.around(n), f.sources[n], opt)
}

// Forget lets go of what is held of a site, by its place among the sources, but for what the others see of it: it is not
// compiled again.
func (f *Fleet) Forget(n int) { f.sources[n], f.found[n] = nil, nil }

func (f *Fleet) around(n int) surroundings { return surroundings{f.sites, f.found[n], f.built} }

// built reports whether a tree of the same layout is being built by kustomize, or was. What the objects themselves could do
// to the build is found in every tree: see verify.
func (f *Fleet) built(t *artifact.Tree, name string) bool {
	sum, simple := verify.Layout(t, name)
	if !simple {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.layouts[sum]
	f.layouts[sum] = true
	return was
}
