package hosts

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// What a filter of Talos sees: where packets for Services are forwarded, and where the pod network takes them first.
const (
	talosForwarded = `What reaches these machines themselves: everything else is dropped. Packets for pods and virtual addresses are forwarded and
not filtered here; node ports at a machine's own address are dropped.`
	talosEarlier = `What reaches these machines themselves: everything else is dropped. %s stands in for kube-proxy and takes packets for
virtual addresses and node ports at the network card, before any table of the kernel's: they are not filtered here, and node
ports are open at every address of the machines. Policies of the pods behind them say who may come.`
	talosUnmarked = `The pod network's own proxy works between pods and Services alone, and only where cluster.network.podSubnets and
serviceSubnets of the machine configuration are those of the site: Talos tells its packets by these, and drops the rest. Gateways
and layer-7 policies of the pod network for anybody outside do not work behind this filter.`
	talosFirewallComment = `Talos takes ICMP and answers by itself, five packets a second of each, and trusts its own interfaces. It knows no TTL: who sends
BFD is known by address alone.
  look   talosctl -n ADDRESS patch machineconfig --patch @talos-firewall.yaml --mode try      the old filter is back after a minute
  apply  talosctl -n ADDRESS patch machineconfig --patch @talos-firewall.yaml                 one machine at a time; no reboot
A rule that stands here no longer stays on a running machine: take it out with talosctl edit machineconfig.`
)

// talosFirewall writes the filter of a group as documents of Talos (pkg/machinery/config/types/network in v1.12.11).
func talosFirewall(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	fw := g.Talos.Firewall
	if fw == nil {
		return
	}
	f := t.File(dir(p)+"/"+g.Name+"/talos-firewall.yaml", append(p.From[:len(p.From):len(p.From)], fw.From...)...)
	f.Header("#", p.Name)
	y := f.YAML()
	if fw.Earlier != "" {
		y.Comment(fmt.Sprintf(talosEarlier, program(fw.Earlier)))
	} else {
		y.Comment(talosForwarded)
	}
	if fw.Unmarked {
		y.Comment(talosUnmarked)
	}
	y.Comment(talosFirewallComment)
	y.Doc()
	y.KV("apiVersion", "v1alpha1")
	y.KV("kind", "NetworkDefaultActionConfig")
	y.KV("ingress", "block")
	for _, r := range fw.Rules {
		y.From("", append(fw.From[:len(fw.From):len(fw.From)], r.From...)...)
		y.Doc()
		for _, why := range r.Why {
			y.Comment(why)
		}
		y.KV("apiVersion", "v1alpha1")
		y.KV("kind", "NetworkRuleConfig")
		y.KV("name", r.Name)
		y.Map("portSelector", func() {
			y.Seq("ports", func() { y.Elem(r.Port) })
			y.KV("protocol", r.Protocol)
		})
		y.Seq("ingress", func() {
			for _, n := range r.Sources {
				y.Item(func() { y.KV("subnet", n.String()) })
			}
		})
	}
}
