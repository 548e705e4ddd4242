package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/capacity"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// Alternative is one kind of mesh for a site: what it takes, and what of the site it cannot do.
type Alternative struct {
	Kind       string
	Chosen     bool   // it is the site's
	Release    string // the newest that supports the site's Kubernetes; "": none does
	Proxies    int    // of all machines, at the declared load
	PerNode    bool   // one on each machine; else one in each pod
	RequestMiB int    // memory of all proxies: what they request
	LimitMiB   int    // and may take
	Declared   bool   // by the site's mesh.proxy.resources; else by the chart's defaults
	NoRequest  bool   // neither sets a request of memory
	NoLimit    bool   // neither sets a limit
	Published  string // what its project has measured of one proxy; "": nothing
	Way        string // proxies that a request between two pods passes: the class of its latency
	Kernel     string // floor; "": nothing is stated
	TooOld     []string
	Modules    []string
	Missing    []Missing
	Changes    diag.List // what else would be an error of the site with this kind, at the site's own places
}

// Missing is something that a site asks for and a mesh cannot do.
type Missing struct {
	What   string // row of the matrix of capabilities
	Path   string // of the site, that asks for it; the first
	Others int    // further places that ask for it
	Why    string
	all    []string // all places
}

// Compare puts the kinds of mesh side by side for one site, and no mesh: from the profiles, the site's own words, the formulas
// of capacity, and what the rules say of the site with each of the other kinds. The plan is that of the site as it is.
func Compare(src *load.Source, p *ir.Plan, opt Options) ([]Alternative, error) {
	set, err := opt.profiles()
	if err != nil {
		return nil, err
	}
	values, err := src.Values()
	if err != nil {
		return nil, err
	}
	report := capacity.Of(p)
	var out []Alternative
	for _, kind := range set.Meshes() {
		m := set.Mesh(kind)
		a := Alternative{Kind: kind, Chosen: kind == src.Site.Mesh.Kind, PerNode: m.Proxies == "node", Way: m.Way.String(), Published: m.Use.String(), Kernel: m.Kernel.Min}
		a.Release = releaseFor(m, p.Cluster.Version)
		a.memory(src.Site, m, report, set)
		a.machines(src.Site, m)
		for _, mod := range m.Modules {
			if !slices.Contains(a.Modules, mod.Name) {
				a.Modules = append(a.Modules, mod.Name)
			}
		}
		a.Missing = missingIn(src, values, m)
		if a.Release != "" {
			if err := a.change(src, opt, newestPatch(m, a.Release)); err != nil {
				return nil, err
			}
		}
		out = append(out, a)
	}
	none, err := withNone(src, opt)
	return append(out, none), err
}

// releaseFor is the newest release that supports a version of Kubernetes.
func releaseFor(m *profile.Mesh, kubernetes string) string {
	lines := m.Lines()
	for _, line := range slices.Backward(lines) {
		if m.Release(line).Kubernetes.Contains(kubernetes) {
			return line
		}
	}
	return ""
}

// memory takes the site's resources for its own mesh, and for all that have a proxy in each pod where its own has one;
// else the chart's defaults.
func (a *Alternative) memory(s *site.Site, m *profile.Mesh, r *capacity.Report, set *profile.Set) {
	request, limit := m.ProxyResources.Memory.Request, m.ProxyResources.Memory.Limit
	own := set.Mesh(s.Mesh.Kind)
	if a.Chosen || own != nil && own.Proxies == "pod" && m.Proxies == "pod" {
		if declared := s.Mesh.Proxy.Resources; declared != nil && declared.Memory != nil {
			a.Declared = declared.Memory.Request != "" || declared.Memory.Limit != ""
			request, limit = cmp.Or(declared.Memory.Request, request), cmp.Or(declared.Memory.Limit, limit)
		}
	}
	a.NoRequest, a.NoLimit = request == "", limit == ""
	for _, n := range r.Nodes {
		proxies := n.Pods
		if a.PerNode {
			proxies = 1
		}
		a.Proxies += n.Nodes * proxies
	}
	const mib = 1 << 20
	a.RequestMiB = int(site.ParseQuantity(request) * int64(a.Proxies) / mib)
	a.LimitMiB = int(site.ParseQuantity(limit) * int64(a.Proxies) / mib)
}

// machines finds those whose kernel is below the floor.
func (a *Alternative) machines(s *site.Site, m *profile.Mesh) {
	if m.Kernel.Min == "" {
		return
	}
	for _, r := range s.Racks {
		for name, n := range r.Nodes {
			release := n.Kernel
			if class := s.NodeClasses[n.Class]; class != nil {
				release = cmp.Or(release, class.Kernel)
			}
			if k, err := profile.ParseKernel(release); err == nil && !m.Kernel.Met(k) {
				a.TooOld = append(a.TooOld, name)
			}
		}
	}
	slices.Sort(a.TooOld)
}

// missingIn holds what the site has written to the matrix of capabilities.
func missingIn(src *load.Source, values any, m *profile.Mesh) []Missing {
	var out []Missing
	for _, row := range slices.Sorted(maps.Keys(m.Capabilities)) {
		c := m.Capability(row)
		pattern, value := capabilityPlace(row)
		if c.Support != profile.None || pattern == "" {
			continue
		}
		x := Missing{What: row, Why: c.Limits}
		rules.Visit(values, strings.Split(pattern, "."), func(path string, v any) {
			if value != "x" && fmt.Sprint(v) != value || !src.Has(path) || aside(src.Site, path) {
				return
			}
			x.count(path)
		})
		if x.Path != "" {
			out = append(out, x)
		}
	}
	return append(out, unsaidRetries(src, values, m)...)
}

// unsaidRetries are the failures after which services repeat requests, and for which a mesh that can repeat has no word.
func unsaidRetries(src *load.Source, values any, m *profile.Mesh) []Missing {
	if len(m.RetryOn) == 0 || m.Capability("retries.on").Support == profile.None {
		return nil
	}
	x := Missing{What: "retries.on", Why: "it can repeat after " + strings.Join(slices.Sorted(maps.Keys(m.RetryOn)), ", ") + " alone"}
	rules.Visit(values, strings.Split("namespaces.*.services.*.retries.on.*", "."), func(path string, v any) {
		if m.RetryOn[fmt.Sprint(v)] == "" && !aside(src.Site, path) {
			x.count(path)
		}
	})
	if x.Path == "" {
		return nil
	}
	return []Missing{x}
}

// aside reports whether a place is about a service that is not in the mesh.
func aside(s *site.Site, path string) bool {
	segments := site.Split(path)
	if len(segments) < 2 || segments[0] != "namespaces" {
		return false
	}
	n := s.Namespaces[segments[1]]
	return n != nil && !n.Mesh
}

func (x *Missing) count(path string) {
	x.all = append(x.all, path)
	if x.Path == "" {
		x.Path = path
		return
	}
	x.Others++
}

// Title is the kind, marked where it is the site's own.
func (a *Alternative) Title() string {
	if a.Chosen {
		return a.Kind + " (chosen)"
	}
	return a.Kind
}

// Places says how many proxies there are, and where.
func (a *Alternative) Places() string {
	if a.Kind == noMesh {
		return "0"
	}
	if a.PerNode {
		return fmt.Sprintf("%d, one a node", a.Proxies)
	}
	return fmt.Sprintf("%d, one a pod", a.Proxies)
}

// Request is the memory that all proxies request.
func (a *Alternative) Request() string {
	if a.NoRequest {
		return "none"
	}
	return fmt.Sprintf("%d MiB", a.RequestMiB)
}

// Limit is the memory that all proxies may take.
func (a *Alternative) Limit() string {
	if a.NoLimit {
		return "none"
	}
	return fmt.Sprintf("%d MiB", a.LimitMiB)
}

// Kernels is the floor, and how many machines are below it.
func (a *Alternative) Kernels() string {
	switch {
	case a.Kernel == "":
		return "any"
	case len(a.TooOld) > 0:
		return fmt.Sprintf("%s, %d nodes below", a.Kernel, len(a.TooOld))
	}
	return a.Kernel
}
