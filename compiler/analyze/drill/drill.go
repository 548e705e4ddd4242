// Package drill works out what is left of a site when parts of it fail.
//
// In comes an *ir.Plan. Out goes, for a set of things that fail at the same time, a Result: for each virtual address who
// still announces it and over how many ToRs, for each gateway how many pods are left, and whether control plane and time
// keep their quorum. Nothing is asked of a live site.
//
// Placement is the scheduler's business; a drill assumes what the plan asks for: the pods of a gateway are spread over
// its domains (racks, or nodes) as evenly as can be, and a pod whose domain is lost waits for it.
package drill

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Kinds of what can fail.
const (
	Node         = "node"
	ControlPlane = "control-plane" // a node of the control plane
	ToR          = "tor"
	Spine        = "spine"
	Rack         = "rack" // its nodes and switches
	Zone         = "failure-domain"
	TimeSource   = "time-source"
	GatewayPod   = "gateway-pod"
)

// Failure is one thing that fails. Name is that of the node, switch (host name), rack, failure domain or time source; of a
// gateway for one of its pods.
type Failure struct {
	Kind, Name string
}

// Result is the site with the failures.
type Result struct {
	Failures     []Failure
	Nodes        Count // that run and reach the fabric
	ControlPlane Quorum
	Gateways     []Gateway // by name
	Time         []Time    // by host group; those groups with machines left
	Density      []Density // by node class that carries pods; those with machines left
}

// Count is how many are left of how many.
type Count struct{ Left, Of int }

// Percent of what there was; 100 of nothing.
func (c Count) Percent() int {
	if c.Of == 0 {
		return 100
	}
	return 100 * c.Left / c.Of
}

// Quorum is a count that needs a majority.
type Quorum struct {
	Count
	Kept bool
}

// Gateway is what is left of one gateway.
type Gateway struct {
	Name        string
	Pods        Count
	Connections int // each pod that is left carries, at the load that the gateway is sized for; 0: no pod is left
	VIPs        []VIP
	From        ir.From
}

// VIP is what is left of one virtual address.
type VIP struct {
	Address    string
	Announcers Count // nodes that have something to announce it for
	ToRs       Count // over which it reaches the fabric; the width of the spines' multipath routes
	Reachable  bool
}

// Time is what the clocks of a host group can still ask.
type Time struct {
	Group   string
	Sources Count
	Kept    bool // enough for a clock to be followed
}

// Density is how many pods a machine carries when those of lost machines of its class move to the others.
type Density struct {
	Class   string
	Pods    int // on one machine; more than Max wait
	Max     int
	Waiting int // pods that find no place
}

// Site is a plan made ready for drills: who stands where is looked up once.
type Site struct {
	plan   *ir.Plan
	racks  map[string]*ir.Rack
	nodes  map[string]*ir.Node
	torsOf map[string][]string // rack to its switches
	uplink map[string][]string // ToR to the spines that it has sessions with; none where the site describes no spines
	pods   map[string][]string // gateway to the node of each pod

	inRack  map[string][]*ir.Node
	control []*ir.Node      // the control plane
	carries map[string]bool // nodes that are more than one of many: see Idle
	classes []class         // by name
	classOf map[string]int  // node to its class; those of no class carry no pods
}

// class is the machines of one node class that carry pods.
type class struct {
	name                string
	machines, pods, max int
}

// New prepares a plan.
func New(p *ir.Plan) *Site {
	s := &Site{plan: p, racks: map[string]*ir.Rack{}, nodes: map[string]*ir.Node{}, torsOf: map[string][]string{},
		uplink: map[string][]string{}, pods: map[string][]string{},
		inRack: map[string][]*ir.Node{}, carries: map[string]bool{}, classOf: map[string]int{}}
	for i := range p.Racks {
		r := &p.Racks[i]
		s.racks[r.Name], s.torsOf[r.Name] = r, r.ToRs
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		s.nodes[n.Name] = n
		s.inRack[n.Rack] = append(s.inRack[n.Rack], n)
		if n.ControlPlane {
			s.control = append(s.control, n)
		}
	}
	for i := range p.Switches {
		sw := &p.Switches[i]
		if sw.Role != "tor" {
			continue
		}
		for _, u := range sw.Uplinks {
			if !slices.Contains(s.uplink[sw.Hostname], u.Spine) {
				s.uplink[sw.Hostname] = append(s.uplink[sw.Hostname], u.Spine)
			}
		}
	}
	for i := range p.Gateways {
		g := &p.Gateways[i]
		s.pods[g.Name] = s.place(g)
	}
	s.classify()
	s.mark()
	return s
}

// classify adds up the groups of each class of machines that carry pods.
func (s *Site) classify() {
	for i := range s.plan.Groups {
		g := &s.plan.Groups[i]
		if g.Kubelet.MaxPods == 0 {
			continue
		}
		at, found := slices.BinarySearchFunc(s.classes, g.Class, func(c class, name string) int { return cmp.Compare(c.name, name) })
		if !found {
			s.classes = slices.Insert(s.classes, at, class{name: g.Class})
		}
		c := &s.classes[at]
		c.pods, c.max, c.machines = max(c.pods, g.Conntrack.Pods), max(c.max, g.Kubelet.MaxPods), c.machines+len(g.Nodes)
	}
	for i := range s.plan.Groups {
		g := &s.plan.Groups[i]
		at, found := slices.BinarySearchFunc(s.classes, g.Class, func(c class, name string) int { return cmp.Compare(c.name, name) })
		if !found || g.Kubelet.MaxPods == 0 {
			continue
		}
		for _, n := range g.Nodes {
			s.classOf[n] = at
		}
	}
}

// mark notes the machines that carry more than pods of services.
func (s *Site) mark() {
	for _, nodes := range s.pods {
		for _, n := range nodes {
			s.carries[n] = true
		}
	}
	for i := range s.plan.Pools {
		for _, n := range s.plan.Pools[i].Announcers {
			s.carries[n] = true
		}
	}
	for i := range s.plan.Groups {
		for _, src := range s.plan.Groups[i].Time.Sources {
			s.carries[src.Name] = true
		}
	}
	for _, n := range s.control {
		s.carries[n.Name] = true
	}
}

// Idle reports whether a failure is that of a machine that is one of many: it carries no pod of a gateway, announces no
// address, serves no time and is none of the control plane. Whichever of them fails, the same is left, but for densities.
func (s *Site) Idle(f Failure) bool { return f.Kind == Node && !s.carries[f.Name] }

// place spreads the pods of a gateway over the nodes that may run them: domain by domain, and within a domain node by
// node.
func (s *Site) place(g *ir.Gateway) []string {
	byDomain := map[string][]string{}
	var domains []string
	for i := range s.plan.Nodes {
		n := &s.plan.Nodes[i]
		if n.Class != g.Class || !slices.Contains(g.Racks, n.Rack) {
			continue
		}
		domain := n.Rack
		if g.SpreadKey == hostKey {
			domain = n.Name
		}
		if byDomain[domain] == nil {
			domains = append(domains, domain)
		}
		byDomain[domain] = append(byDomain[domain], n.Name)
	}
	if len(domains) == 0 {
		return nil
	}
	slices.Sort(domains)
	// Where single nodes are the domains, racks still take turns: the constraint's second key.
	if g.SpreadKey == hostKey {
		domains = s.alternate(domains)
	}
	var out []string
	for i := range g.Replicas {
		d := byDomain[domains[i%len(domains)]]
		out = append(out, d[i/len(domains)%len(d)])
	}
	return out
}

// hostKey is the label by which pods are spread over nodes.
const hostKey = "kubernetes.io/hostname"

// alternate orders nodes so that racks take turns.
func (s *Site) alternate(nodes []string) []string {
	byRack := map[string][]string{}
	var racks []string
	for _, n := range nodes {
		r := s.nodes[n].Rack
		if byRack[r] == nil {
			racks = append(racks, r)
		}
		byRack[r] = append(byRack[r], n)
	}
	slices.Sort(racks)
	var out []string
	for i := 0; len(out) < len(nodes); i++ {
		for _, r := range racks {
			if i < len(byRack[r]) {
				out = append(out, byRack[r][i])
			}
		}
	}
	return out
}
