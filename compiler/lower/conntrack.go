package lower

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Constants of the connection table, measured on kernels 6.1 and 6.18 x86_64: 256 B slab and 128 B extension an entry
// whatever NAT, accounting or labels, 8 B a bucket. Timeouts in seconds.
const (
	entryBytes  = 384
	bucketBytes = 8
	// timeWaitSecs is nf_conntrack_tcp_timeout_time_wait: 60 s cover the peer's retransmissions of its FIN; the kernel's
	// 120 s double the entries that closed connections leave.
	timeWaitSecs = 60
	// minConntrack is the kernel's own default on a machine with more than 4 GiB: never less than that.
	minConntrack = 262144
)

// conntrack sizes a node's connection table so that it stands at half at the declared load:
//
//	E    = P*C*(1 - L/2) + LB*(Cluster? 2: 1) + R*Ttw      host table; L, the share of peers on the same node, taken as 0
//	Epod = 2*C                                             a meshed pod's own table
//	max  = max(262144, next power of two of 2*max(E, Epod))
//	hash = max/2                                           at least max/4, or kube-proxy rewrites it
//
// The limit is one number that the kernel compares with each network namespace's count, so the largest pod counts too.
// LB takes every gateway that may run on the node with all of its connections: that is the node's share when the
// others are gone.
func (l *lowering) conntrack(n ir.Node, class *site.NodeClass) ir.Conntrack {
	c := ir.Conntrack{
		Pods: l.s.Capacity.PodsPerNode, ConnsPerPod: l.s.Capacity.ConnectionsPerPod,
		ClosesPerSec: l.s.Capacity.ClosesPerSecond, TimeWaitSecs: timeWaitSecs,
		Why: "conntrack/size", From: under("capacity", "podsPerNode", "connectionsPerPod", "closesPerSecond"),
	}
	if o := class.Capacity; o != nil {
		c.Pods = cmp.Or(o.PodsPerNode, c.Pods)
		c.ConnsPerPod = cmp.Or(o.ConnectionsPerPod, c.ConnsPerPod)
		c.From = append(c.From, site.Join("nodeClasses", n.Class, "capacity"))
	}
	largest := c.ConnsPerPod
	for _, g := range l.p.Gateways {
		c.From = append(c.From, site.Join("gateways", g.Name, "placement", "class"), site.Join("pools", g.Pool, "announce"))
		if g.Class != n.Class || !slices.Contains(g.Racks, n.Rack) {
			continue
		}
		entries := g.Connections
		if !g.Local {
			entries *= 2 // a second hop leaves an entry on both nodes
		}
		c.Ingress += entries
		largest = max(largest, g.Connections)
		c.From = append(c.From, under(site.Join("gateways", g.Name), "capacity.connections", "externalTrafficPolicy")...)
	}
	c.Entries = c.Pods*c.ConnsPerPod + c.Ingress + c.ClosesPerSec*c.TimeWaitSecs
	c.PodEntries = 2 * largest
	c.Max = max(minConntrack, nextPow2(2*max(c.Entries, c.PodEntries)))
	c.Buckets = c.Max / 2
	const mib = 1 << 20
	c.MemoryMiB = (entryBytes*(c.Entries+2*c.Pods*c.ConnsPerPod) + bucketBytes*c.Buckets) / mib
	full := entryBytes*c.Max + bucketBytes*c.Buckets
	c.FullMemoryMiB = full / mib
	if m := site.ParseQuantity(class.Memory); m > 0 {
		c.MemoryPermille = int(int64(full) * 1000 / m)
	}
	c.From = append(c.From, site.Join("nodeClasses", n.Class, "memory"))
	return c
}

func nextPow2(n int) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(n-1))
}

// moduleOptions gives the table its buckets when the module is loaded: nf_conntrack_max alone leaves them as they are.
func moduleOptions(c ir.Conntrack) []ir.ModuleOption {
	return []ir.ModuleOption{{Module: "nf_conntrack", Key: "hashsize", Value: strconv.Itoa(c.Buckets),
		Reason: "half of nf_conntrack_max: chains of two at the limit, and never below the quarter under which kube-proxy would rewrite it",
		Why:    c.Why, From: c.From}}
}
