package lower

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Topology labels that Kubernetes itself knows.
const (
	regionLabel = "topology.kubernetes.io/region"
	zoneLabel   = "topology.kubernetes.io/zone"
)

// hosts decides the nodes and the groups that share their files.
func (l *lowering) hosts() {
	for rn, r := range byKey(l.s.Racks) {
		var groups []ir.HostGroup
		for nn, n := range byKey(r.Nodes) {
			node := l.node(rn, nn, r, n)
			l.p.Nodes = append(l.p.Nodes, node)
			i := slices.IndexFunc(groups, func(g ir.HostGroup) bool { return g.Name == node.Group })
			if i < 0 {
				groups = append(groups, l.group(node))
				i = len(groups) - 1
			}
			groups[i].Nodes = append(groups[i].Nodes, nn)
			groups[i].From = append(groups[i].From, site.Join("racks", rn, "nodes", nn, "class"))
		}
		l.p.Groups = append(l.p.Groups, groups...)
	}
	slices.SortFunc(l.p.Groups, func(a, b ir.HostGroup) int { return cmp.Compare(a.Name, b.Name) })
	l.p.Serial = l.serial()
}

func (l *lowering) node(rn, nn string, r *site.Rack, n *site.Node) ir.Node {
	class := l.s.NodeClasses[n.Class]
	path := site.Join("racks", rn, "nodes", nn)
	out := ir.Node{
		Name: nn, Rack: rn, Zone: r.FailureDomain, Class: n.Class, Group: rn + "-" + n.Class,
		Addresses: addrs(n.Address), Egress: addrs(n.EgressAddresses), ControlPlane: class.ControlPlane, Taints: taints(class.Taints),
		Labels: []ir.KV{
			{Key: classLabel, Value: n.Class},
			{Key: rackLabel, Value: rn},
			{Key: regionLabel, Value: l.s.Region},
			{Key: zoneLabel, Value: r.FailureDomain},
		},
		From: append(under(path, "class", "address", "labels"), site.Join("racks", rn, "failureDomain"), "region", site.Join("nodeClasses", n.Class, "taints")),
	}
	if len(n.EgressAddresses) > 0 || ciliumEgress(l.s) {
		out.From = append(out.From, site.Join("racks", rn, "nodes", nn, "egressAddresses"))
	}
	// The list of taints is applied whole: one that declares its own must repeat the control plane's. Where the
	// distribution adds none by itself it is ours in any case.
	cp := l.set.Distribution(l.s.Kubernetes.Distribution).ControlPlane
	if class.ControlPlane && !schedulable(class) && (len(out.Taints) > 0 || !cp.Tainted) {
		if t := (ir.Taint{Key: cp.Taint.Key, Effect: cp.Taint.Effect}); !slices.ContainsFunc(out.Taints, func(o ir.Taint) bool { return o.Key == t.Key && o.Effect == t.Effect }) {
			out.Taints = append(out.Taints, t)
		}
	}
	if class.ControlPlane {
		out.From = append(out.From, site.Join("nodeClasses", n.Class, "controlPlane"), site.Join("nodeClasses", n.Class, "schedulable"), "kubernetes.distribution")
	}
	for k, v := range byKey(n.Labels) {
		out.Labels = append(out.Labels, ir.KV{Key: k, Value: v})
	}
	l.consulPlaces(&out)
	slices.SortFunc(out.Labels, func(a, b ir.KV) int { return cmp.Compare(a.Key, b.Key) })
	// A machine that is not as its class says, carries labels of its own, serves time or gives pods its own source address,
	// has files of its own.
	ofRack, isolated := l.servesTime(rn, nn)
	if differs(n) || ofRack || isolated || l.givesSources(n) {
		out.Group = nn
	}
	return out
}

// serial is how many machines are changed at once: a third of the smallest rack, at least one, so that a bad file or a
// slow restart never takes a rack's machines away together.
func (l *lowering) serial() int {
	least := 0
	for _, r := range l.s.Racks {
		if n := len(r.Nodes); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	serial := max(1, least/3)
	if b := l.s.ChangeBudget; b != nil {
		serial = max(1, min(serial, len(l.p.Nodes)*b.NodesPercent/100))
	}
	return serial
}

// schedulable reports whether ordinary pods may run on the nodes of a class: everywhere but on control-plane nodes,
// unless the class says otherwise. What keeps them off other nodes are taints that the class declares.
func schedulable(class *site.NodeClass) bool {
	if class.Schedulable != nil {
		return *class.Schedulable
	}
	return !class.ControlPlane
}

func differs(n *site.Node) bool {
	return n.OS != "" || n.Kernel != "" || len(n.Labels) > 0
}

// group decides the files of a node's group; all nodes of the group would give the same.
func (l *lowering) group(n ir.Node) ir.HostGroup {
	declared := l.s.Racks[n.Rack].Nodes[n.Name]
	class := l.s.NodeClasses[n.Class]
	g := ir.HostGroup{Name: n.Group, Rack: n.Rack, Class: n.Class, OS: cmp.Or(declared.OS, class.OS)}
	osPath := site.Join("nodeClasses", n.Class, "os")
	if declared.OS != "" {
		osPath = site.Join("racks", n.Rack, "nodes", n.Name, "os")
	}
	g.From = ir.From{osPath, site.Join("racks", n.Rack, "nodes", n.Name, "class"), "delivery.hosts"}
	prof := l.set.OS(g.OS)
	for _, f := range l.s.Delivery.Hosts {
		if slices.Contains(prof.Forms, f) {
			g.Forms = append(g.Forms, f)
		}
	}
	g.Conntrack = l.conntrack(n, class)
	g.Modules = l.modules()
	g.Cards = l.cards(n, class)
	g.ModuleOptions = moduleOptions(g.Conntrack)
	g.Sysctls = l.sysctls(g, class)
	g.Time = l.timeDaemon(n, g.OS, osPath)
	l.timeService(&g, prof)
	g.Kubelet = l.kubelet(n, g.OS, class, osPath)
	l.supervisor(&g, n, class)
	g.APIAddress = l.apiAddress(&g, n, class)
	if g.Cards != nil && g.Cards.RX > 0 && prof.Packaging != "none" {
		g.Packages = append(g.Packages, ringPackage)
	}
	if prof.Family == talosFamily {
		l.talos(&g, n, class)
	}
	return g
}

// kubelet decides what meshgen sets of the kubelet. Its drop-in directory is empty by default: the flag that names it
// goes where the distribution lets us add one.
func (l *lowering) kubelet(n ir.Node, os string, class *site.NodeClass, osPath string) ir.Kubelet {
	dist := l.set.Distribution(l.s.Kubernetes.Distribution)
	k := ir.Kubelet{
		ConfigDir: dist.Kubelet.ConfigDir, EnvFile: dist.KubeletEnvFile(l.set.OS(os)),
		MaxPods: MaxPods(l.s, class), Taints: n.Taints, Protect: class.ProtectKernelDefaults,
		From: append(under(site.Join("nodeClasses", n.Class), "taints", "controlPlane"), osPath, "kubernetes.distribution"),
	}
	k.From = append(k.From, maxPodsFrom(n.Class, class)...)
	if k.Protect {
		k.From = append(k.From, site.Join("nodeClasses", n.Class, "protectKernelDefaults"))
	}
	for _, kv := range n.Labels {
		if kubeletMaySet(kv.Key) {
			k.NodeLabels = append(k.NodeLabels, kv)
		}
	}
	k.From = append(k.From, n.From.Of("failureDomain", "region", "labels", "class", "pool", "placement", "announce")...)
	return k
}

// defaultMaxPods is the kubelet's own default (pkg/kubelet/apis/config/v1beta1/defaults.go).
const defaultMaxPods = 110

// MaxPods returns the pods that the kubelets of a class admit: what the class says, else the kubelet's default, or the
// pods that the declared load asks for when these are more.
func MaxPods(s *site.Site, class *site.NodeClass) int {
	if class.MaxPods > 0 {
		return class.MaxPods
	}
	pods := s.Capacity.PodsPerNode
	if o := class.Capacity; o != nil {
		pods = cmp.Or(o.PodsPerNode, pods)
	}
	return max(defaultMaxPods, pods)
}

func maxPodsFrom(name string, class *site.NodeClass) []string {
	from := []string{site.Join("nodeClasses", name, "maxPods")}
	if class.MaxPods == 0 {
		from = append(from, site.Join("nodeClasses", name, "capacity"), "capacity.podsPerNode")
	}
	return from
}

// kubeletMaySet reports whether NodeRestriction lets a kubelet give itself the label: those outside the domains of
// Kubernetes, and a few inside (plugin/pkg/admission/noderestriction, pkg/kubelet/apis/well_known_labels.go).
func kubeletMaySet(key string) bool {
	domain, _, ok := strings.Cut(key, "/")
	if !ok {
		return true
	}
	if key == regionLabel || key == zoneLabel {
		return true
	}
	for _, d := range []string{"kubernetes.io", "k8s.io"} {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return domain == "node.kubernetes.io" || domain == "kubelet.kubernetes.io"
		}
	}
	return true
}

// taints parses "key=value:Effect", as the schema has it.
func taints(in []string) []ir.Taint {
	var out []ir.Taint
	for _, s := range in {
		kv, effect, _ := strings.Cut(s, ":")
		key, value, _ := strings.Cut(kv, "=")
		out = append(out, ir.Taint{Key: key, Value: value, Effect: effect})
	}
	return out
}
