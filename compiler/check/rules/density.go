package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// nearlyFull is the part, in percent, above which a bound leaves no room for the pods of a rolling update.
const nearlyFull = 90

// PodDensity finds a kubelet that admits more pods than its node has addresses for.
var PodDensity = &check.Rule{
	ID: "MG2005", Name: "pod-density", Severity: diag.Error, On: check.OnSite,
	Doc: `a kubelet admits more pods than its node's pod range has addresses

Pods beyond the range are scheduled to the node and never get an address. Above nine tenths of the range that is a
warning: addresses of pods that are being replaced are in use for a while.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		for i, mask := range k.NodeCIDRMask[:min(len(k.NodeCIDRMask), len(k.PodCIDRs))] {
			cidr, err := netip.ParsePrefix(k.PodCIDRs[i])
			if err != nil {
				continue
			}
			bits := cidr.Addr().BitLen() - mask
			if bits < 0 || bits > 16 {
				continue // longer than an address, which the schema bounds, or more room than any kubelet has pods
			}
			room := 1<<bits - 2 // the first and last address of a range are not given out
			for name, c := range byKey(p.Site.NodeClasses) {
				pods := lower.MaxPods(p.Site, c)
				if pods*100 <= room*nearlyFull {
					continue
				}
				path := site.Join("nodeClasses", name)
				if c.MaxPods > 0 {
					path += ".maxPods"
				}
				if pods > room {
					p.Reportf(path, "the kubelet of class %q admits %d pods, and a node's pod range, a /%d, has %d addresses",
						name, pods, mask, max(room, 0)).Hintf("maxPods: %d at most, or a shorter kubernetes.nodeCIDRMask", max(room, 0)).Related("kubernetes.nodeCIDRMask", "the length of a node's range")
					continue
				}
				p.Reportf(path, "the kubelet of class %q admits %d pods, more than %d %% of the %d addresses of a node's pod range, a /%d",
					name, pods, nearlyFull, room, mask).Related("kubernetes.nodeCIDRMask", "the length of a node's range").
					Hintf("write maxPods: %d, or a nodeCIDRMask of %d", room*nearlyFull/100, mask-1).Warning()
			}
		}
	},
}

// CapacityOverMaxPods finds a load that the kubelets do not admit.
var CapacityOverMaxPods = &check.Rule{
	ID: "MG2101", Name: "capacity-over-max-pods", Severity: diag.Error, On: check.OnSite,
	Doc: `the declared load is more pods on a node than its kubelet admits

Connection tables and proxies would be sized for pods that stay Pending. Above nine tenths of the bound it is a warning:
during a rolling update old and new pods are on the node together. What capacity says for the whole site must fit on the
largest class that has no capacity of its own.
Source: kubernetes pkg/kubelet/apis/config, KubeletConfiguration.maxPods.`,
	Run: func(p *check.Pass) {
		compare := func(path string, pods int, name string, bound int) {
			if pods*100 <= bound*nearlyFull {
				return
			}
			other := site.Join("nodeClasses", name, "maxPods")
			if pods > bound {
				p.Reportf(path, "%d pods on a node are more than the %d that the kubelets of class %q admit", pods, bound, name).
					Related(other, "what the kubelet admits").Hintf("write maxPods: %d, or leave it out", (pods*100+nearlyFull-1)/nearlyFull)
				return
			}
			p.Reportf(path, "%d pods on a node are more than %d %% of the %d that the kubelets of class %q admit", pods, nearlyFull, bound, name).
				Related(other, "what the kubelet admits").Hintf("write maxPods: %d, or leave it out", (pods*100+nearlyFull-1)/nearlyFull).Warning()
		}
		largest, follows := "", false
		for name, c := range byKey(p.Site.NodeClasses) {
			if o := c.Capacity; o != nil && o.PodsPerNode > 0 {
				if c.MaxPods > 0 {
					compare(site.Join("nodeClasses", name, "capacity", "podsPerNode"), o.PodsPerNode, name, c.MaxPods)
				}
				continue
			}
			if c.MaxPods == 0 {
				follows = true // its bound follows the load
				continue
			}
			if largest == "" || c.MaxPods > p.Site.NodeClasses[largest].MaxPods {
				largest = name
			}
		}
		if largest != "" && !follows {
			compare("capacity.podsPerNode", p.Site.Capacity.PodsPerNode, largest, p.Site.NodeClasses[largest].MaxPods)
		}
	},
}

// ProxyMemoryRequests finds nodes whose memory goes to proxies.
var ProxyMemoryRequests = &check.Rule{
	ID: "MG2102", Name: "proxy-memory", Severity: diag.Error, On: check.OnSite,
	Doc: `the proxies of a node's pods ask for more memory than the node has

The scheduler counts what proxies request like any other container: pods stay Pending long before maxPods is reached.
Above half of the node's memory it is a warning. Every pod of the declared load is taken for a meshed one.
Source: Kubernetes documentation, Managing Resources for Containers; request by default: the charts of the mesh.`,
	Run: func(p *check.Pass) {
		request, _, path := proxyMemory(p)
		if request == 0 {
			return
		}
		for name, pods := range loads(p.Site) {
			class := p.Site.NodeClasses[name]
			memory, need := site.ParseQuantity(class.Memory), int64(pods)*request
			if memory < leastMemory || !takesPods(class) || need <= memory/2 {
				continue // of less memory than a node works with, machine-size speaks
			}
			what := "more than half of what a node has"
			if need > memory {
				what = "more than a node has"
			}
			r := p.Reportf(site.Join("nodeClasses", name, "memory"), "class %q: the proxies of %d pods request %d MiB, %s: %s", name, pods, need>>20, what, class.Memory).
				Related(path, "what one proxy requests").
				Hintf("half of the memory carries %d meshed pods: lower mesh.proxy.resources.memory.request or the pods on a node", memory/2/request)
			if need <= memory {
				r.Warning()
			}
		}
	},
}

// ProxyMemoryLimits finds nodes that proxies can use up, each inside its limit.
var ProxyMemoryLimits = &check.Rule{
	ID: "MG2103", Name: "proxy-memory-limits", Severity: diag.Note, On: check.OnSite,
	Doc: `the memory limits of a node's proxies add up to more than the node has

Proxies grow with the number of services and connections, all at the same time. Each stays inside its limit, and the
kernel's out-of-memory killer chooses among the node's containers.
Source: Kubernetes documentation, Node-pressure Eviction.`,
	Run: func(p *check.Pass) {
		request, limit, path := proxyMemory(p)
		for name, pods := range loads(p.Site) {
			class := p.Site.NodeClasses[name]
			memory, need := site.ParseQuantity(class.Memory), int64(pods)*limit
			if memory >= leastMemory && takesPods(class) && need > memory && int64(pods)*request <= memory {
				p.Reportf(site.Join("nodeClasses", name, "memory"), "class %q: the proxies of %d pods may grow to %d MiB together, and a node has %s", name, pods, need>>20, class.Memory).
					Related(path, "what sizes one proxy").Hintf("a limit of %dMi each would fit", memory/int64(pods)>>20)
			}
		}
	},
}

// proxyMemory returns what one pod's proxy requests and may use, in bytes, and where the site says so; 0 where pods
// have no proxy of their own or nothing is known.
func proxyMemory(p *check.Pass) (request, limit int64, path string) {
	m := p.Profiles.Mesh(p.Site.Mesh.Kind)
	if m == nil || m.Proxies != "pod" {
		return 0, 0, ""
	}
	q, path := m.ProxyResources.Memory, "mesh.kind"
	ask, bound := q.Request, q.Limit
	if r := p.Site.Mesh.Proxy.Resources; r != nil && r.Memory != nil {
		path = "mesh.proxy.resources.memory"
		if r.Memory.Request != "" {
			ask = r.Memory.Request
		}
		if r.Memory.Limit != "" {
			bound = r.Memory.Limit
		}
	}
	return quantity(ask), quantity(bound), path
}

// quantity reads bytes; none for an empty text.
func quantity(s string) int64 {
	if s == "" {
		return 0
	}
	return site.ParseQuantity(s)
}

// loads yields the classes with the pods that the site expects on a node of each.
func loads(s *site.Site) func(yield func(string, int) bool) {
	return func(yield func(string, int) bool) {
		for name, c := range byKey(s.NodeClasses) {
			pods := s.Capacity.PodsPerNode
			if c.Capacity != nil && c.Capacity.PodsPerNode > 0 {
				pods = c.Capacity.PodsPerNode
			}
			// No node has more pods than its kubelet admits, whatever is declared for the others.
			if !yield(name, min(pods, lower.MaxPods(s, c))) {
				return
			}
		}
	}
}

// takesPods reports whether ordinary pods may run on a class.
func takesPods(c *site.NodeClass) bool {
	if c.Schedulable != nil {
		return *c.Schedulable
	}
	return !c.ControlPlane
}
