// Package profile gives typed access to what meshgen knows of the systems that it generates for.
//
// In: a file system with json/<kind>.json, as package profiles embeds it. Out: a *Set of plain records, found by the
// names that a site uses ("istio-sidecar", "metallb", "debian12"), and their releases, found by the version that the
// site declares. Nothing here decides anything: rules and lowering do.
//
// A look-up that finds nothing returns nil; methods of a nil record answer as for "no such thing", so that a chain of
// look-ups needs one test at its end.
package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Set holds all profiles. It is read-only and may be shared by goroutines.
type Set struct {
	meshes        map[string]*Mesh
	loadBalancers map[string]*LoadBalancer
	cnis          map[string]*CNI
	oses          map[string]*OS
	switches      map[string]*Switch
	gateways      map[string]*Gateway
	distributions map[string]*Distribution
	kubernetes    map[string]*Kubernetes
	ours          *Set // without what others have laid over it; nil: nothing has been
}

// Kinds are the kinds of profile.
var Kinds = []string{"cni", "distribution", "gateway", "kubernetes", "loadbalancer", "mesh", "os", "switch"}

// Source says where a fact was read, and on which day ("2026-11-21").
type Source struct {
	Source string `json:"source"`
	Date   string `json:"date"`
}

// Sources names, by JSON field, the source of each field of a profile whose value does not carry its own.
type Sources map[string]Source

// Read reads json/<kind>.json of every kind. A field that the types do not know is an error, so that data and types
// cannot drift apart.
func Read(fsys fs.FS) (*Set, error) { return decode(fsys, nil) }

// Lay is Read with kinds whose JSON is another one: ours and what a team has laid over it.
func Lay(fsys fs.FS, kinds map[string][]byte) (*Set, error) {
	ours, err := Read(fsys)
	if err != nil {
		return nil, err
	}
	s, err := decode(fsys, kinds)
	if s != nil {
		s.ours = ours
	}
	return s, err
}

// Ours returns the set without what others have laid over it.
func (s *Set) Ours() *Set {
	if s.ours != nil {
		return s.ours
	}
	return s
}

// decode reads each kind, or what stands instead of it.
func decode(fsys fs.FS, instead map[string][]byte) (*Set, error) {
	s := new(Set)
	for _, k := range []struct {
		kind string
		into any
	}{
		{"mesh", &s.meshes},
		{"loadbalancer", &s.loadBalancers},
		{"cni", &s.cnis},
		{"os", &s.oses},
		{"switch", &s.switches},
		{"gateway", &s.gateways},
		{"distribution", &s.distributions},
		{"kubernetes", &s.kubernetes},
	} {
		text := instead[k.kind]
		if text == nil {
			var err error
			if text, err = fs.ReadFile(fsys, "json/"+k.kind+".json"); err != nil {
				return nil, err
			}
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(k.into); err != nil {
			return nil, fmt.Errorf("profiles of kind %s: %w", k.kind, err)
		}
	}
	return s, nil
}

// Mesh returns the profile of a mesh.kind, or nil.
func (s *Set) Mesh(kind string) *Mesh { return s.meshes[kind] }

// LoadBalancer returns the profile of a loadBalancer.kind, or nil.
func (s *Set) LoadBalancer(kind string) *LoadBalancer { return s.loadBalancers[kind] }

// CNI returns the profile of a kubernetes.cni.kind, or nil.
func (s *Set) CNI(kind string) *CNI { return s.cnis[kind] }

// OS returns the profile of a node's os ("debian12", "ubuntu24.04"), or nil.
func (s *Set) OS(name string) *OS { return s.oses[name] }

// Switch returns the profile of a switch's os, or nil.
func (s *Set) Switch(os string) *Switch { return s.switches[os] }

// Gateway returns the profile of a gateway's implementation.kind, or nil.
func (s *Set) Gateway(kind string) *Gateway { return s.gateways[kind] }

// Distribution returns the profile of a kubernetes.distribution, or nil.
func (s *Set) Distribution(name string) *Distribution { return s.distributions[name] }

// Kubernetes returns what holds for every distribution.
func (s *Set) Kubernetes() *Kubernetes { return s.kubernetes["upstream"] }

// Meshes returns the names of the known meshes, sorted.
func (s *Set) Meshes() []string { return names(s.meshes) }

// LoadBalancers returns the names of the known load balancers, sorted.
func (s *Set) LoadBalancers() []string { return names(s.loadBalancers) }

// CNIs returns the names of the known pod networks, sorted.
func (s *Set) CNIs() []string { return names(s.cnis) }

// OSes returns the names of the known host operating systems, sorted.
func (s *Set) OSes() []string { return names(s.oses) }

// Switches returns the names of the known switch operating systems, sorted.
func (s *Set) Switches() []string { return names(s.switches) }

// Distributions returns the names of the known distributions, sorted.
func (s *Set) Distributions() []string { return names(s.distributions) }

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// release finds the row of a version: its own, else that of the longest line it belongs to ("1.31.1" in "1.31").
func release[R any](rows map[string]*R, version string) *R {
	for line := version; line != ""; {
		if r := rows[line]; r != nil {
			return r
		}
		i := strings.LastIndexByte(line, '.')
		if i < 0 {
			break
		}
		line = line[:i]
	}
	return nil
}

// lines returns the versions that have rows, oldest first.
func lines[R any](rows map[string]*R) []string {
	return slices.SortedFunc(maps.Keys(rows), CompareVersions)
}
