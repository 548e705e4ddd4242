package lower

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// neighbours is the load from which the kernel's neighbour table (1,024 entries for all network namespaces together)
// wants more room: half of it.
const neighbours = 512

// sysctls lists what a host file can change for the programs concerned: settings of the whole machine, or of the host's
// network namespace, where node traffic is tracked and forwarded. What a pod's own namespace needs is not here: a pod
// starts with the kernel's defaults, whatever the host says.
func (l *lowering) sysctls(g ir.HostGroup, class *site.NodeClass) []ir.Sysctl {
	var out []ir.Sysctl
	add := func(key, value, why, reason string, from ...string) {
		out = append(out, ir.Sysctl{Key: key, Value: value, Reason: reason, Why: why, From: from})
	}
	c := g.Conntrack
	add("net.netfilter.nf_conntrack_max", strconv.Itoa(c.Max), c.Why,
		"kube-proxy leaves it alone with conntrack.maxPerCore 0", c.From...)
	add("net.netfilter.nf_conntrack_tcp_timeout_established", strconv.Itoa(conntrackEstablished), "conntrack/established",
		"what kube-proxy writes at every start; equal, so that the value does not depend on who came last", "kubernetes.kubeProxy.mode")
	add("net.netfilter.nf_conntrack_tcp_timeout_time_wait", strconv.Itoa(timeWaitSecs), "conntrack/time-wait",
		"half of the default: closed connections leave half as many entries; not less, late FINs would be INVALID", "capacity.closesPerSecond")

	add("net.ipv4.ip_forward", "1", "host/forwarding", "the node routes for its pods", "kubernetes.podCIDRs")
	if slices.ContainsFunc(l.s.Kubernetes.PodCIDRs, func(s string) bool { return strings.Contains(s, ":") }) {
		add("net.ipv6.conf.all.forwarding", "1", "host/forwarding", "the node routes for its pods", "kubernetes.podCIDRs")
	}
	add("net.bridge.bridge-nf-call-iptables", "1", "host/bridge", "bridged pod traffic passes the Service and policy rules", "kubernetes.cni.kind")
	add("net.bridge.bridge-nf-call-ip6tables", "1", "host/bridge", "the same for IPv6", "kubernetes.cni.kind")

	ports, from := l.reservedPorts()
	add("net.ipv4.ip_local_reserved_ports", ports, "host/reserved-ports",
		"no outgoing connection takes a NodePort, a health check port of a Service, or a port that something on this host listens on", from...)

	if c := g.Cards; c != nil && c.Flows > 0 {
		add("net.core.rps_sock_flow_entries", strconv.Itoa(c.Flows), "host/receive-steering",
			"flows whose reader's CPU is remembered; 0, the default, steers none", site.Join("nodeClasses", g.Class, "nic", "rps"))
	}
	if r := l.s.Racks[g.Rack]; len(r.ToRs) > 1 {
		path := site.Join("racks", g.Rack, "homing")
		reason := "two switches: a packet may come in by another way than the answer goes out, which strict filtering (1) drops"
		add("net.ipv4.conf.all.rp_filter", "2", "host/rp-filter", reason+"; the larger of this and the interface's counts", path)
		add("net.ipv4.conf.default.rp_filter", "2", "host/rp-filter", "interfaces that come up later, those of pods among them", path)
	}
	if n := l.nodes() + MaxPods(l.s, class); n > neighbours {
		reason := fmt.Sprintf("%d nodes and pods may be neighbours; the table is one for all network namespaces", n)
		for i, v := range []string{"4096", "8192", "16384"} {
			add(fmt.Sprintf("net.ipv4.neigh.default.gc_thresh%d", i+1), v, "host/neighbours", reason, append(maxPodsFrom(g.Class, class), "racks")...)
		}
	}
	add("fs.inotify.max_user_instances", "8192", "host/inotify",
		"128 by default and counted per user: container runtimes, kubelets and proxies' agents all run as root", "kubernetes.distribution")
	add("fs.inotify.max_user_watches", "524288", "host/inotify", "each mounted Secret and ConfigMap that a proxy's agent follows is a watch", "kubernetes.distribution")
	return append(out, kernelMemory(g.Class, class)...)
}

// nodes counts what racks declare.
func (l *lowering) nodes() int {
	n := 0
	for _, r := range l.s.Racks {
		n += len(r.Nodes)
	}
	return n
}

// reservedPorts joins the NodePort range with the ports that components listen on, in the kernel's own list form.
func (l *lowering) reservedPorts() (string, []string) {
	k := l.s.Kubernetes
	used := []ir.PortRange{l.p.Cluster.NodePorts}
	listeners := [][]profile.Listener{
		l.set.Distribution(k.Distribution).HostPorts,
		l.set.CNI(k.CNI.Kind).HostPorts,
		l.set.LoadBalancer(l.s.LoadBalancer.Kind).HostPorts,
	}
	if l.authenticates() {
		listeners = append(listeners, l.meshProfile().SPIRE.HostPorts)
	}
	for _, ports := range listeners {
		for _, p := range ports {
			used = append(used, ir.PortRange{First: p.Port, Last: p.Port})
		}
	}
	slices.SortFunc(used, func(a, b ir.PortRange) int { return int(a.First) - int(b.First) })
	var merged []ir.PortRange
	for _, r := range used {
		if n := len(merged); n > 0 && int(r.First) <= int(merged[n-1].Last)+1 {
			merged[n-1].Last = max(merged[n-1].Last, r.Last)
			continue
		}
		merged = append(merged, r)
	}
	var text []string
	for _, r := range merged {
		if r.First == r.Last {
			text = append(text, strconv.Itoa(int(r.First)))
		} else {
			text = append(text, fmt.Sprintf("%d-%d", r.First, r.Last))
		}
	}
	from := []string{"kubernetes.nodePorts", "kubernetes.distribution", "kubernetes.cni.kind", "loadBalancer.kind"}
	if l.authenticates() {
		from = append(from, "mesh.ca", "mesh.kind", "components.cni.managed")
	}
	return strings.Join(text, ","), from
}

// modules lists what must be loaded before the settings above exist, and what the datapath of mesh and pods uses.
func (l *lowering) modules() []ir.Module {
	var out []ir.Module
	add := func(name, reason string, from ...string) {
		if !slices.ContainsFunc(out, func(m ir.Module) bool { return m.Name == name }) {
			out = append(out, ir.Module{Name: name, Reason: reason, From: from})
		}
	}
	add("nf_conntrack", "net.netfilter keys exist only once it is loaded", "capacity")
	add("br_netfilter", "net.bridge keys exist only once it is loaded", "kubernetes.cni.kind")
	add("overlay", "file systems of containers", "kubernetes.distribution")
	for _, m := range l.set.CNI(l.s.Kubernetes.CNI.Kind).Modules {
		if m.Encapsulation == "" || m.Encapsulation == encapsulation(l.s) {
			add(m.Name, "pod network: "+m.Use, append(l.egressFrom(), "kubernetes.cni")...)
		}
	}
	for _, m := range l.meshProfile().Modules {
		add(m.Name, "mesh: "+m.Use, "mesh.kind")
	}
	if l.encrypts() == byZtunnel {
		for _, name := range ztunnelModules {
			add(name, "mesh: redirection in the pod", "mesh.kind", "mesh.encryption")
		}
	}
	slices.SortFunc(out, func(a, b ir.Module) int { return strings.Compare(a.Name, b.Name) })
	return out
}
