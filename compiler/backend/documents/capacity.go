package documents

import (
	analysis "meshgen.dev/meshgen/compiler/analyze/capacity"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// capacity writes CAPACITY.md: what the declared load takes, with the formula of each number.
func capacity(p *ir.Plan, t *artifact.Tree) {
	m := backend.Document(p, t, "CAPACITY.md", "Capacity of "+p.Name,
		"capacity", "racks", "nodeClasses", "gateways", "pools", "mesh", "namespaces", "observability", "fabric", "loadBalancer", "kubernetes", "components", "resilience", "exposures", "federation")
	r := analysis.Of(p)
	m.Text("Numbers follow from what the site declares, not from measurements. Each table names its formula and where its constants come from.")

	m.Heading("Memory of proxies on a node")
	if r.Shared {
		m.Text("All pods of a node share one proxy: what it requests, and its limit where there is one, of " + code("mesh.proxy.resources") + " or the defaults of the mesh's chart. Waypoints come on top, wherever they run.")
	} else {
		m.Text("Pods x the proxy's memory request, and pods x its limit, as if every pod were meshed. Pods: the site's " + code("capacity.podsPerNode") + ", or that of the node class. " +
			"Request and limit: the site's " + code("mesh.proxy.resources") + ", or the defaults of the mesh's chart. The scheduler counts requests; limits above 100 % can bring the node down.")
	}
	m.Head("group", "nodes", "pods a node", "requests", "limits", "node", "limits of node")
	for _, n := range r.Nodes {
		m.Row(code(n.Group), number(n.Nodes), number(n.Pods), mib(n.RequestMiB), mib(n.LimitMiB), mib(n.MemoryMiB), number(n.LimitPercent)+" %")
	}

	racks(m, r)
	sizes(m, r)
	hugePages(m, p)

	m.Heading("Processors of proxies on a node")
	if r.Shared {
		m.Text("The CPU request of the one proxy of a node, out of the cores of the node class.")
	} else {
		m.Text("Pods x the proxy's CPU request, as if every pod were meshed, out of the cores of the node class. The scheduler counts requests: what is left is for the applications, whatever they use.")
	}
	m.Head("group", "pods a node", "requests", "cores", "requests of node")
	for _, n := range r.Nodes {
		m.Row(code(n.Group), number(n.Pods), milli(n.RequestMilli), number(n.Cores), number(n.RequestPercent)+" %")
	}

	m.Heading("Connection tables")
	m.Text("Expected E = pods x connections of a pod + gateway connections + closes a second x TIME_WAIT. Limit = the next power of two of 2 x max(E, largest pod), at least 262144. " +
		"Buckets = limit / 2. Memory = 384 B an entry + 8 B a bucket, measured on kernels 6.1 and 6.18. The kernel compares the limit with the count of each network namespace; alert at 75 %.")
	m.Head("group", "pods x connections", "gateways", "closes/s x TIME_WAIT", "expected", "largest pod", "limit", "use", "memory full")
	for _, c := range r.Conntrack {
		m.Row(code(c.Group), number(c.Pods)+" x "+number(c.ConnsPerPod), number(c.Ingress), number(c.ClosesPerSec)+" x "+number(c.TimeWaitSecs)+" s",
			number(c.Entries), number(c.PodEntries), number(c.Max), number(100*c.Entries/max(c.Max, 1))+" %", mib(c.FullMemoryMiB))
	}

	sourcePorts(m, r)
	taken(m, r)
	growth(m, r)
	packets(m, p)
	losses(m, p)
	logs(m, r)
	series(m, r)
}

// sourcePorts says how many connections a pod may have towards one destination.
func sourcePorts(m *backend.Markdown, r *analysis.Report) {
	m.Heading("Source ports")
	m.Text("One network namespace has so many connections at a time towards one address and port, and opens so many a second: ports / 60 s of TIME_WAIT. " +
		"A pod has the kernel's own range, whatever the host's sysctl files say (net/ipv4/af_inet.c, inet_init_net). Another destination address has the ports again.")
	m.Head("who", "range", "connections to one destination", "new a second")
	for _, u := range r.Ports {
		m.Row(u.Who, code(u.Range), number(u.Ports), number(u.Rate))
	}
}

// taken says how much of what is dealt out is used: file descriptors, node ports, addresses.
func taken(m *backend.Markdown, r *analysis.Report) {
	m.Heading("File descriptors")
	m.Text("A proxy has two for each connection that it carries. The limit is that of a process without one of its own: the kernel's default of fs.nr_open. A gateway's pod as if it were the last one.")
	m.Head("who", "descriptors", "limit", "use")
	for _, u := range r.Descriptors {
		m.Row(u.Who, number(u.Used), number(u.Limit), number(u.Percent())+" %")
	}

	m.Heading("Node ports")
	m.Text("Kubernetes deals out one for each port of a Service of type LoadBalancer, and one for its health check with policy Local. Services of others come on top.")
	m.Head("range", "used by gateways and exposures", "numbers", "use")
	m.Row(code(r.NodePorts.Who), number(r.NodePorts.Used), number(r.NodePorts.Limit), number(r.NodePorts.Percent())+" %")

	m.Heading("Virtual addresses")
	m.Text("Declared to gateways and exposures, out of all addresses of the pool: so many times as many are possible.")
	m.Head("pool", "addresses", "used", "free", "room")
	for _, u := range r.Pools {
		m.Row(code(u.Pool), many(u.Total), number(u.Used), many(u.Free), room(u.Total, u.Used))
	}
}

// series says what Prometheus has to hold.
func series(m *backend.Markdown, r *analysis.Report) {
	m.Heading("Prometheus series")
	s := &r.Series
	if s.Total == 0 {
		m.Text("The site names no scraper.")
		return
	}
	m.Text("Series = proxies x (base + edges x series of an edge). Proxies: pods a node x nodes that take pods + gateway replicas. Edges: callers and callees of a service, the mean rounded up. " +
		"An edge has a counter and a histogram of Envoy's 19 default bounds for each of 3 response codes. Planning figures: look at " + code("prometheus_tsdb_head_series") + " for the real one.")
	m.Head("proxies", "base", "edges", "series of an edge", "series of a proxy", "all")
	m.Row(number(s.Proxies), number(s.Base), number(s.Edges), number(s.PerEdge), number(s.PerProxy), number(s.Total))
}

// racks adds up what stands and falls together.
func racks(m *backend.Markdown, r *analysis.Report) {
	m.Heading("Proxies of a rack")
	m.Text("The machines of a rack together, all of them full: memory that the proxies request and may take, of the machines' own, and the part of all pods that look for another place when the rack is lost.")
	m.Head("rack", "nodes", "pods", "requests", "limits", "machines", "of all pods")
	for _, x := range r.Racks {
		m.Row(code(x.Name), number(x.Nodes), number(x.Pods), mib(x.RequestMiB), mib(x.LimitMiB), mib(x.MemoryMiB), number(x.Lost)+" %")
	}
	if len(r.Waypoints) == 0 {
		return
	}
	m.Heading("Waypoints")
	m.Text("Layer-7 proxies of namespaces, memory of each replica. One carries the requests to all services of its namespace.")
	m.Head("namespace", "replicas", "request", "limit")
	for _, w := range r.Waypoints {
		m.Row(code(w.Namespace), number(w.Replicas), w.Request, w.Limit)
	}
}

// room is how many times what a pool gives out it has.
func room(total, used int) string {
	if total < 0 || used == 0 {
		return "-"
	}
	return "x " + number(total/used)
}

// hugePages says what machines set aside, and what no file of meshgen does for it.
func hugePages(m *backend.Markdown, p *ir.Plan) {
	var with []ir.NodeLoad
	for _, n := range p.Capacity.Nodes {
		if n.HugePages != nil {
			with = append(with, n)
		}
	}
	if len(with) == 0 {
		return
	}
	m.Heading("Huge pages")
	m.Text("Set aside on each machine, and not in the memory of the table above: only pods get them that ask for " + code("hugepages-2Mi") + " or " + code("hugepages-1Gi") +
		". Pages of 1Gi need the arguments on the kernel's command line; the kubelet counts pages when it starts.")
	m.Head("group", "size", "pages", "set aside", "left", "arguments of the kernel")
	for _, n := range with {
		args := ""
		if n.HugePages.Args != "" {
			args = code(n.HugePages.Args)
		}
		m.Row(code(n.Group), code(n.HugePages.Size), number(n.HugePages.Count), mib(n.HugePages.MiB), mib(n.MemoryMiB), args)
	}
}

func mib(n int) string { return number(n) + " MiB" }

// milli writes thousandths of a core.
func milli(n int) string { return number(n) + "m" }

func many(n int) string {
	if n < 0 {
		return "more than 16 million"
	}
	return number(n)
}
