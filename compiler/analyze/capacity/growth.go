package capacity

import (
	"cmp"
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Load is what grows.
type Load string

// The loads that are doubled, one at a time.
const (
	Pods        Load = "pods"        // on every node
	Connections Load = "connections" // of every pod and gateway, and how many end in a second
	Sites       Load = "sites"       // of the federation: connections at the gateway that they reach
)

// Loads are all of them, in the order of tables.
var Loads = []Load{Pods, Connections, Sites}

// Growth is something with a limit, now and with each load doubled.
type Growth struct {
	What    string // "connection table"
	Where   string // host group, gateway, pool
	Limit   int
	Now     int
	Doubled map[Load]int // as Now where the load does not touch it
	After   string       // what happens beyond the limit
}

// Percent is the use of the limit with a load doubled; with "" that of now.
func (g *Growth) Percent(l Load) int {
	used := g.Now
	if l != "" {
		used = g.Doubled[l]
	}
	return int(100 * int64(used) / int64(max(g.Limit, 1)))
}

// Breaks returns what is beyond its limit when a load doubles, the worst first.
func (r *Report) Breaks(l Load) []*Growth {
	var out []*Growth
	for i := range r.Growth {
		if g := &r.Growth[i]; g.Doubled[l] > g.Limit && g.Doubled[l] > g.Now {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b *Growth) int { return cmp.Compare(b.Percent(l), a.Percent(l)) })
	return out
}

// Next returns what stands nearest to its limit when a load doubles and nothing breaks; nil where nothing grows.
func (r *Report) Next(l Load) *Growth {
	var best *Growth
	for i := range r.Growth {
		if g := &r.Growth[i]; g.Doubled[l] > g.Now && (best == nil || g.Percent(l) > best.Percent(l)) {
			best = g
		}
	}
	return best
}

// First says what breaks first when a load doubles, or what comes nearest to its limit.
func (r *Report) First(l Load) string {
	if broken := r.Breaks(l); len(broken) > 0 {
		g := broken[0]
		return fmt.Sprintf("%s of %s, %d %% of the limit: %s", g.What, g.Where, g.Percent(l), g.After)
	}
	if g := r.Next(l); g != nil {
		return fmt.Sprintf("nothing breaks; nearest to its limit is %s of %s, %d %%", g.What, g.Where, g.Percent(l))
	}
	return "nothing of this site grows"
}

// Overcommitted is what may be over its limit without harm for as long as not all proxies take what they may.
const Overcommitted = "memory up to the proxies' limits (MiB)"

// grow lists what has a limit. Machines of groups with equal numbers stand in one line, by the first group's name.
func (r *Report) grow(p *ir.Plan) {
	add := func(what, where, after string, limit, now, pods, connections, sites int) {
		if limit <= 0 {
			return
		}
		r.Growth = append(r.Growth, Growth{what, where, limit, now, map[Load]int{Pods: pods, Connections: connections, Sites: sites}, after})
	}
	perPod := func(n int) int { // what a second set of pods adds
		if r.Shared {
			return n
		}
		return 2 * n
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		c := g.Conntrack
		add("pods of a node", g.Name, "pods wait", g.Kubelet.MaxPods, c.Pods, 2*c.Pods, c.Pods, c.Pods)
		ingress := c.Pods * c.ConnsPerPod
		closes := c.ClosesPerSec * c.TimeWaitSecs
		cross := r.crossing(p, g)
		add("connection table", g.Name, "new connections are dropped", c.Max, c.Entries, c.Entries+ingress, 2*ingress+2*c.Ingress+2*closes, c.Entries+cross)
		add("connection table of the largest pod", g.Name, "new connections are dropped", c.Max, c.PodEntries, c.PodEntries, 2*c.PodEntries, c.PodEntries)
		k := slices.IndexFunc(r.Nodes, func(n ir.NodeLoad) bool { return n.Group == g.Name })
		if k < 0 {
			continue
		}
		n := &r.Nodes[k]
		add("memory that proxies request (MiB)", g.Name, "pods wait", n.MemoryMiB, n.RequestMiB, perPod(n.RequestMiB), n.RequestMiB, n.RequestMiB)
		add(Overcommitted, g.Name, "the kernel ends processes", n.MemoryMiB, n.LimitMiB, perPod(n.LimitMiB), n.LimitMiB, n.LimitMiB)
		add("processors that proxies request (m)", g.Name, "pods wait", 1000*n.Cores, n.RequestMilli, perPod(n.RequestMilli), n.RequestMilli, n.RequestMilli)
	}
	for i := range p.Gateways {
		g := &p.Gateways[i]
		ports := 0
		for i, u := range r.Ports { // the first is any pod's
			if i == 0 || u.Who == "a pod of gateway "+g.Name {
				ports = u.Ports
			}
		}
		sites := g.Connections
		if p.CrossesSites(g) {
			sites *= 2
		}
		after := "connections to that destination fail"
		last := ", one pod left"
		if g.ByNodes {
			last = ", one node left"
		}
		if g.ByNodes && g.Streams() {
			continue // nobody connects in the clients' place
		}
		add("source ports to one destination", "gateway "+g.Name+last, after, ports, g.Connections, g.Connections, 2*g.Connections, sites)
	}
	for _, u := range r.Descriptors {
		twice := u.Used
		if r.Shared && u.Who == r.Descriptors[0].Who {
			twice *= 2
		}
		add("file descriptors", u.Who, "connections are refused", u.Limit, u.Used, twice, 2*u.Used, u.Used)
	}
	for _, u := range r.Pools {
		add("addresses of a pool", u.Pool, "a Service gets none", u.Total, u.Used, u.Used, u.Used, u.Used)
	}
	add("node ports", r.NodePorts.Who, "a Service is refused", r.NodePorts.Limit, r.NodePorts.Used, r.NodePorts.Used, r.NodePorts.Used, r.NodePorts.Used)
	r.fold()
}

// crossing is what the gateway of the federation adds to the table of a group's machines when its callers double.
func (r *Report) crossing(p *ir.Plan, g *ir.HostGroup) int {
	n := 0
	for i := range p.Gateways {
		if x := &p.Gateways[i]; p.CrossesSites(x) && x.Class == g.Class && slices.Contains(x.Racks, g.Rack) {
			n += x.Connections
		}
	}
	return n
}

// fold keeps one line of those that differ in the name of the host group alone, and puts the fullest first.
func (r *Report) fold() {
	var out []Growth
	at, more := map[string]int{}, map[int]int{}
	for _, g := range r.Growth {
		key := fmt.Sprint(g.What, g.Limit, g.Now, g.Doubled[Pods], g.Doubled[Connections], g.Doubled[Sites])
		if k, ok := at[key]; ok {
			more[k]++
			continue
		}
		at[key] = len(out)
		out = append(out, g)
	}
	for k, n := range more {
		out[k].Where += fmt.Sprintf(" and %d more", n)
	}
	slices.SortStableFunc(out, func(a, b Growth) int { return cmp.Compare(b.Percent(""), a.Percent("")) })
	r.Growth = out
}
