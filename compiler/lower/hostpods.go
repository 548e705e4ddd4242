package lower

import (
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// HostPodsNamespace holds the pods that write files of machines, and nothing else: they may do everything there.
const HostPodsNamespace = "meshgen-hosts"

// hostPodsRecheck is how long a file that somebody has changed stays so, in seconds. It costs eight comparisons.
const hostPodsRecheck = 300

// hostPods decides the DaemonSets that write files of machines. A group is named by its machines: one that differs from
// its class has files of its own, and the labels of its class and rack all the same.
func (l *lowering) hostPods() {
	h := &ir.HostPods{
		Namespace: HostPodsNamespace, Image: l.s.Delivery.HostsImage, RecheckSecs: hostPodsRecheck,
		// A shell that sleeps takes less than 1 MiB; nsenter and systemctl come to it for moments.
		Resources: ir.Resources{CPURequest: "5m", MemoryRequest: "16Mi", MemoryLimit: "64Mi"},
		From:      ir.From{"delivery.hosts", "delivery.hostsImage"},
	}
	nodes := make(map[string]*ir.Node, len(l.p.Nodes))
	for i := range l.p.Nodes {
		nodes[l.p.Nodes[i].Name] = &l.p.Nodes[i]
	}
	for i := range l.p.Groups {
		g := &l.p.Groups[i]
		if !g.Has("daemonset") {
			continue
		}
		from := append(g.From[:len(g.From):len(g.From)], site.Join("racks", g.Rack, "nodes"))
		for _, name := range g.Nodes {
			from = append(from, nodes[name].From...)
		}
		h.Groups = append(h.Groups, ir.HostPodsGroup{Group: g.Name, Nodes: ir.Selector{
			Terms: []ir.Term{{Key: hostLabel, Values: g.Nodes}}, From: from,
		}, From: ir.From{site.Join("nodeClasses", g.Class), site.Join("racks", g.Rack), "time"}})
	}
	if len(h.Groups) > 0 {
		l.p.HostPods = h
	}
}

// hostPodsImage takes the image from the site's registry, unless it is named there already.
func (l *lowering) hostPodsImage() {
	h, r := l.p.HostPods, l.s.Registry
	if h == nil {
		return
	}
	h.From = append(h.From, "registry")
	h.PullSecret = r.PullSecret
	for _, g := range h.Groups {
		l.pullSecret(h.Namespace, "DaemonSet "+h.Namespace+"/"+g.Group)
	}
	if r.Images == "" || strings.HasPrefix(h.Image, r.Images+"/") {
		return
	}
	upstream := h.Image
	h.Image = l.image(upstream)
	l.copyOf("images", upstream, h.Image, "")
}
