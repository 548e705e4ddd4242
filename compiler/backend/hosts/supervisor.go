package hosts

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// supervisor writes the drop-in of a distribution whose one program runs the kubelet and kube-proxy. A "+" adds to the
// list of an earlier file instead of replacing it; a later file must do the same, or it drops what stands here.
func supervisor(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	s := g.Supervisor
	if s == nil {
		return
	}
	f := file(p, t, g, s.Path)
	f.From("", s.From...)
	comments(f,
		"Read at start: restart "+g.Unit+" after a change. Files of this folder are read in the order of their names; \"+\" adds",
		"to the list of those before, and a file after this one must write it too. A flag on the command line wins over all.")
	y := f.YAML()
	k := &g.Kubelet
	y.From("", k.From.Of("maxPods", "podsPerNode", "capacity", "distribution")...)
	y.Seq("kubelet-arg+", func() { y.Elem(fmt.Sprintf("max-pods=%d", k.MaxPods)) })
	if len(k.NodeLabels) > 0 {
		y.From("", k.From...)
		y.Comment("Labels and taints are taken when the node registers for the first time; later they are set through the API.")
		y.Seq("node-label+", func() {
			for _, l := range k.NodeLabels {
				y.Elem(l.Key + "=" + l.Value)
			}
		})
	}
	y.From("", s.From...)
	if len(s.Taints) > 0 {
		y.Seq("node-taint+", func() {
			for _, taint := range s.Taints {
				y.Elem(taint.Key + "=" + taint.Value + ":" + taint.Effect)
			}
		})
	}
	if len(s.ProxyArgs) > 0 {
		y.Comment("0: the limit of the connection table is the host's, which sizes it by node class.")
		y.KV("kube-proxy-arg+", s.ProxyArgs)
	}
	if s.Interface.Key != "" {
		y.From("", s.From...)
		y.Comment("The machine has further networks: pods go by this one.")
		y.KV(s.Interface.Key, s.Interface.Value)
	}
	if s.Server {
		server(y, s)
	}
}

// server writes the options that agents do not know.
func server(y *artifact.YAML, s *ir.Supervisor) {
	y.From("", s.From...)
	y.Comment("The same on every server of the cluster: one that differs does not join.")
	if s.NoProxy {
		y.KV("disable-kube-proxy", true)
	}
	y.From("", append(s.From[:len(s.From):len(s.From)], "kubernetes.apiServer.address", "kubernetes.apiServer.hostname")...)
	y.KV("tls-san+", s.Names)
	for _, o := range s.Off {
		y.From("", append(s.From[:len(s.From):len(s.From)], o.From...)...)
		y.KV(o.Key+"+", o.Values)
	}
	y.From("", append(s.From[:len(s.From):len(s.From)], "kubernetes.cni.kind", "kubernetes.cni.encapsulation", "components.cni.managed")...)
	for _, kv := range s.CNI {
		if kv.Value == "true" {
			y.KV(kv.Key, true)
			continue
		}
		y.KV(kv.Key, kv.Value)
	}
}
