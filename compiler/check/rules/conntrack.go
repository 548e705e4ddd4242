package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// maxConntrack is the largest table that host files carry: with 2^28 entries it takes 96 GiB when full.
const maxConntrack = 1 << 28

// ConntrackLimit finds a load for which no connection table can be written.
var ConntrackLimit = &check.Rule{
	ID: "MG2126", Name: "conntrack-limit", Severity: diag.Error, On: check.OnPlan, When: largeTables, Guard: true,
	Doc: `the connection table for the declared load has more entries than a host can be given

The kernel counts entries in 31 bits and refuses a larger limit: the settings would not be applied at boot. Mostly a
digit too many.
Source: net/netfilter/nf_conntrack_standalone.c.`,
	Run: func(p *check.Pass) {
		seen := map[string]bool{}
		for _, g := range p.Plan.Groups {
			path, c := connectionsPath(p.Site, g.Class), g.Conntrack
			if c.Max <= maxConntrack || seen[path] {
				continue
			}
			seen[path] = true
			p.Reportf(path, "class %q: %d pods with %d connections each need a table of %d entries, and the most is %d",
				g.Class, c.Pods, c.ConnsPerPod, c.Max, maxConntrack).Related(site.Join("nodeClasses", g.Class), "the class").
				Hintf("fewer podsPerNode or connectionsPerPod, here or in nodeClasses: %s: capacity", g.Class)
		}
	},
}

// connectionsPath is where the site says how many connections a pod of a class has.
func connectionsPath(s *site.Site, class string) string {
	if c := s.NodeClasses[class]; c != nil && c.Capacity != nil && c.Capacity.ConnectionsPerPod > 0 {
		return site.Join("nodeClasses", class, "capacity", "connectionsPerPod")
	}
	return "capacity.connectionsPerPod"
}

// ConntrackMemory finds connection tables that are large for their nodes.
var ConntrackMemory = &check.Rule{
	ID: "MG2104", Name: "conntrack-memory", Severity: diag.Error, On: check.OnPlan, When: largeTables,
	Doc: `the connection table for the declared load takes more than a twentieth of a node's memory

An entry costs 384 bytes of kernel memory that nothing can reclaim: a full table pushes pods out of the node. Where it
does not fit at all, that is an error.
Source: measured with kernels 6.1 and 6.18; net/netfilter/nf_conntrack_core.c.`,
	Run: func(p *check.Pass) {
		const entryBytes, twentieth = 384, 20
		// What the site says for all classes is reported once, for the class that fares worst.
		worst := map[string]ir.HostGroup{}
		share := func(g ir.HostGroup) float64 {
			return entryBytes * float64(g.Conntrack.Max) / float64(site.ParseQuantity(p.Site.NodeClasses[g.Class].Memory))
		}
		for _, g := range p.Plan.Groups {
			class := p.Site.NodeClasses[g.Class]
			if class == nil || g.Conntrack.Max > maxConntrack || site.ParseQuantity(class.Memory) < leastMemory {
				continue // conntrack-limit and machine-size speak of these
			}
			path := connectionsPath(p.Site, g.Class)
			if w, ok := worst[path]; !ok || share(g) > share(w) {
				worst[path] = g
			}
		}
		for path, g := range byKey(worst) {
			c, memory := g.Conntrack, p.Site.NodeClasses[g.Class].Memory
			mib := entryBytes * float64(c.Max) / (1 << 20)
			other := site.Join("nodeClasses", g.Class, "memory")
			switch {
			case share(g) > 1:
				p.Reportf(path, "class %q: a connection table of %d entries takes %.0f MiB, more than a node has: %s", g.Class, c.Max, mib, memory).
					Related(other, "the node's memory").Hintf("it follows from %d pods with %d connections each: lower what is not real", c.Pods, c.ConnsPerPod)
			case share(g)*twentieth > 1:
				p.Reportf(path, "class %q: a connection table of %d entries takes %.0f MiB when full, %.0f %% of the node's %s", g.Class, c.Max, mib, 100*share(g), memory).
					Related(other, "the node's memory").
					Hintf("it follows from %d pods with %d connections each: lower what is not real, or declare more memory", c.Pods, c.ConnsPerPod).Warning()
			}
		}
	},
}

// ConnectionTable finds a load that does not fit into the pod network's own table of connections.
var ConnectionTable = &check.Rule{
	ID: "MG2105", Name: "connection-table", Severity: diag.Warning, On: check.OnSite,
	Doc: `the declared load is more connections than the pod network's own table holds

A pod network that forwards with BPF keeps connections in a map whose size follows the node's memory, unless its values say
otherwise: those that meshgen writes give it the size that the declared load needs. When it is full, new connections fail
while the kernel's own table is almost empty.
Source: Cilium documentation, eBPF Maps; its metric cilium_bpf_map_pressure.`,
	Run: func(p *check.Pass) {
		cni := p.Profiles.CNI(p.Site.Kubernetes.CNI.Kind)
		if cni == nil || cni.Connections == nil || p.Site.Components.CNI.Managed && p.Site.Kubernetes.CNI.Kind == "cilium" {
			return // its values have bpf.ctTcpMax
		}
		for name, pods := range loads(p.Site) {
			class := p.Site.NodeClasses[name]
			memory := site.ParseQuantity(class.Memory)
			if memory == 0 {
				continue
			}
			conns, path := p.Site.Capacity.ConnectionsPerPod, "capacity.connectionsPerPod"
			if o := class.Capacity; o != nil && o.ConnectionsPerPod > 0 {
				conns, path = o.ConnectionsPerPod, site.Join("nodeClasses", name, "capacity", "connectionsPerPod")
			}
			need := pods * conns
			room := max(cni.Connections.Min, int(float64(memory)/(1<<30)*float64(cni.Connections.PerGiB)))
			if need > room {
				p.Reportf(path, "class %q: %d pods with %d connections each are %d, and the table of %s on a node of %s holds %d", name, pods, conns, need, p.Site.Kubernetes.CNI.Kind, class.Memory, room).
					Related(site.Join("nodeClasses", name, "memory"), "sizes the table").
					Hintf("raise bpf.mapDynamicSizeRatio or bpf.ctTcpMax in the values of %s", p.Site.Kubernetes.CNI.Kind)
			}
		}
	},
}

// largeTables reports whether some node may have a table too large for it. It takes more than lowering does: the largest
// load of any class, and every gateway of the site on one node.
func largeTables(p *check.Pass) bool {
	s := p.Site
	pods, conns := s.Capacity.PodsPerNode, s.Capacity.ConnectionsPerPod
	for _, c := range s.NodeClasses {
		if c.Capacity != nil {
			pods, conns = max(pods, c.Capacity.PodsPerNode), max(conns, c.Capacity.ConnectionsPerPod)
		}
	}
	ingress := 0
	for _, g := range s.Gateways {
		if g.Capacity != nil {
			ingress += g.Capacity.Connections
		}
	}
	// Twice the entries, rounded up to a power of two; a meshed connection counts twice in its pod.
	const timeWaitSecs, entryBytes, leastTable, twentieth = 60, 384, 1 << 18, 20
	table := max(leastTable, 4*max(pods*conns+2*ingress+s.Capacity.ClosesPerSecond*timeWaitSecs, 2*max(conns, ingress)))
	if table > maxConntrack {
		return true
	}
	for _, c := range s.NodeClasses {
		if m := site.ParseQuantity(c.Memory); m >= leastMemory && m < int64(table)*entryBytes*twentieth {
			return true
		}
	}
	return false
}
