// Package capacity works out what the declared load takes of a site, and what ends first when the load grows.
//
// In comes an *ir.Plan, out goes a Report: one computation for CAPACITY.md and for "meshgen capacity". Nothing is
// measured. What depends on profiles (requests of proxies, sizes of tables) stands in the plan already; here it is added
// up, and what belongs to no setting is added: racks, file descriptors, node ports, logs, growth.
package capacity

import (
	"cmp"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
)

// Sources of the constants, read 2026-11-21.
const (
	// descriptorsPerConnection: a proxy has a socket to each side of a connection that it carries (Envoy, FAQ: file
	// descriptors).
	descriptorsPerConnection = 2
	// maxDescriptors of a process whose limit is infinity, as containerd's unit and Kubernetes leave it: the kernel's
	// default of fs.nr_open (Documentation/admin-guide/sysctl/fs.rst).
	maxDescriptors = 1048576
	// logBytes of a line of a proxy's access log: a planning figure for Envoy's default format with names of Kubernetes.
	logBytes = 400
	// errorShare of the requests that are logged where errors alone are, in percent: a planning figure.
	errorShare = 1
)

// Report is what the declared load takes.
type Report struct {
	ir.Capacity
	Racks       []Rack     // by name
	Waypoints   []Waypoint // by namespace
	Sizes       []Size     // of the proxy of a pod or node, then of waypoints, then of gateways' pods
	Conntrack   []Table    // by host group
	Descriptors []Use      // of processes with connections: proxies of pods, then gateways
	NodePorts   Use
	Series      ir.Series
	Logs        Logs
	Growth      []Growth // what has a limit, the fullest first
}

// Rack is what the proxies of a rack take together.
type Rack struct {
	Name       string
	Nodes      int
	Pods       int // declared, all machines together
	Proxies    int
	RequestMiB int
	LimitMiB   int
	MemoryMiB  int // of the machines
	// Lost is the part of the site's pods that lose their machine with the rack, in percent.
	Lost int
}

// Waypoint is the layer-7 proxies of one namespace.
type Waypoint struct {
	Namespace      string
	Replicas       int
	Request, Limit string // memory of one, as quantities; "" where none is set
}

// Table is the connection table of the machines of a group.
type Table struct {
	Group string
	ir.Conntrack
}

// Use is how much of something is taken.
type Use struct {
	Who   string
	Used  int
	Limit int
}

// Percent of the limit, rounded down; 0 without one.
func (u Use) Percent() int { return int(100 * int64(u.Used) / int64(max(u.Limit, 1))) }

// Logs are access logs of the proxies of all nodes together, at least: a connection carries one request or more.
type Logs struct {
	Mode        string // off, errors, all
	LinesPerSec int
	MiBPerDay   int
}

// Of works out a plan.
func Of(p *ir.Plan) *Report {
	r := &Report{Capacity: p.Capacity, Series: p.Watch.Series}
	r.racks(p)
	if w := p.Mesh.Waypoint; w != nil {
		for _, n := range p.Namespaces {
			if n.Waypoint && n.Meshed {
				r.Waypoints = append(r.Waypoints, Waypoint{n.Name, w.Replicas, w.Resources.MemoryRequest, w.Resources.MemoryLimit})
			}
		}
	}
	for i := range p.Groups {
		r.Conntrack = append(r.Conntrack, Table{p.Groups[i].Name, p.Groups[i].Conntrack})
	}
	r.sizes(p)
	r.descriptors(p)
	r.nodePorts(p)
	r.logs(p)
	r.grow(p)
	return r
}

func (r *Report) racks(p *ir.Plan) {
	all := 0
	for i := range p.Groups {
		g := &p.Groups[i]
		k := slices.IndexFunc(r.Nodes, func(n ir.NodeLoad) bool { return n.Group == g.Name })
		if k < 0 {
			continue
		}
		n := &r.Nodes[k]
		at := slices.IndexFunc(r.Racks, func(x Rack) bool { return x.Name == g.Rack })
		if at < 0 {
			at = len(r.Racks)
			r.Racks = append(r.Racks, Rack{Name: g.Rack})
		}
		x := &r.Racks[at]
		x.Nodes += n.Nodes
		x.Pods += n.Nodes * n.Pods
		x.Proxies += n.Nodes * n.Proxies
		x.RequestMiB += n.Nodes * n.RequestMiB
		x.LimitMiB += n.Nodes * n.LimitMiB
		x.MemoryMiB += n.Nodes * n.MemoryMiB
		all += n.Nodes * n.Pods
	}
	for i := range r.Racks {
		r.Racks[i].Lost = 100 * r.Racks[i].Pods / max(all, 1)
	}
	slices.SortFunc(r.Racks, func(a, b Rack) int { return cmp.Compare(a.Name, b.Name) })
}

// descriptors counts the sockets of the busiest proxy of a pod, or of a node, and of a gateway's pod that carries all of
// the gateway's connections when the others are gone.
func (r *Report) descriptors(p *ir.Plan) {
	pods := 0
	for i := range p.Groups {
		c := &p.Groups[i].Conntrack
		n := c.ConnsPerPod
		if r.Shared {
			n *= c.Pods
		}
		pods = max(pods, n)
	}
	who := "the proxy of a pod"
	if r.Shared {
		who = "the proxy of a node"
	}
	if p.Mesh.Kind != "none" {
		r.Descriptors = append(r.Descriptors, Use{who, descriptorsPerConnection * pods, maxDescriptors})
	}
	for _, g := range p.Gateways {
		who := "a pod of gateway " + g.Name
		if g.ByNodes {
			who = "the proxy of a node, for gateway " + g.Name
		}
		if !g.ByNodes || !g.Streams() { // whose connections pass no proxy
			r.Descriptors = append(r.Descriptors, Use{who, descriptorsPerConnection * g.Connections, maxDescriptors})
		}
	}
}

// nodePorts counts what Kubernetes deals out: a number for each port of a Service of type LoadBalancer, and one for its
// health check with externalTrafficPolicy Local. Gateways of Cilium's own proxy are made without the former.
func (r *Report) nodePorts(p *ir.Plan) {
	first, last := int(p.Cluster.NodePorts.First), int(p.Cluster.NodePorts.Last)
	r.NodePorts = Use{Who: strconv.Itoa(first) + "-" + strconv.Itoa(last), Limit: last - first + 1}
	for i := range p.Gateways {
		g := &p.Gateways[i]
		switch {
		case g.ByNodes && !g.NodePorts:
			if g.Local {
				r.NodePorts.Used++
			}
		case g.Local && !g.NodePorts:
			r.NodePorts.Used += len(g.Listeners) + 1
		default:
			r.NodePorts.Used += len(g.Listeners)
		}
	}
	for _, x := range p.Exposures {
		r.NodePorts.Used += len(x.Ports)
		if x.Local {
			r.NodePorts.Used++
		}
	}
}

// logs takes a line for each connection that ends, at each proxy that it passes: the caller's and the callee's, or the
// node's at both ends.
func (r *Report) logs(p *ir.Plan) {
	r.Logs.Mode = p.Mesh.AccessLogs
	if p.Mesh.Kind == "none" || r.Logs.Mode == "" {
		r.Logs.Mode = "off"
	}
	for i := range p.Groups {
		r.Logs.LinesPerSec += len(p.Groups[i].Nodes) * p.Groups[i].Conntrack.ClosesPerSec
	}
	switch r.Logs.Mode {
	case "off":
		r.Logs.LinesPerSec = 0
	case "errors":
		r.Logs.LinesPerSec = r.Logs.LinesPerSec * errorShare / 100
	}
	const day = 24 * 60 * 60
	r.Logs.MiBPerDay = r.Logs.LinesPerSec * logBytes * day >> 20
}
