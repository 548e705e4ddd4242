package verify

import (
	"fmt"
	"slices"
	"strings"
)

type expectedEgress struct {
	Name, Provider, Kind, Object, Namespace, Selector, Service string
	Sources                                                    []struct{ Address, Node string }
	Replicas                                                   int
	Nodes                                                      []string
}

// expectedEgress compares the ways out with the objects, the values and the machines' files that bring them about.
func (p *pass) expectedEgress() {
	var have []string
	files := p.tree.Lookup(inventoryPath(p.releases.Site)) != nil // without it nobody knows whose they are
	nodes := map[string]bool{}
	for _, o := range p.objects {
		if o.is("", "Node") {
			nodes[o.name] = true
		}
	}
	for i := range p.expected.Egress {
		e := &p.expected.Egress[i]
		var addresses []string
		for _, s := range e.Sources {
			addresses = append(addresses, s.Address)
			switch e.Provider {
			case "cilium":
				have = append(have, fmt.Sprintf("%s %s, %s on %s", e.Kind, e.Object, s.Address, s.Node))
			case "host":
				if !files {
					continue
				}
				have = append(have, fmt.Sprintf("file of %s, %s", s.Node, s.Address))
			}
		}
		switch e.Provider {
		case "cilium", "host":
		case "calico":
			have = append(have, fmt.Sprintf("%s %s/%s, %d pods of %s with %s", e.Kind, e.Namespace, e.Object, e.Replicas, e.Selector, strings.Join(addresses, " ")))
		case "kube-vip":
			have = append(have, fmt.Sprintf("Service %s/%s, %s", e.Namespace, e.Service, strings.Join(addresses, " ")))
		default:
			p.unexpected("way out %s: nobody knows provider %q", e.Name, e.Provider)
		}
		if e.Provider == "cilium" {
			continue
		}
		if e.Selector == "" || e.Replicas < 1 || len(e.Nodes) < e.Replicas && e.Provider != "calico" {
			p.unexpected("way out %s: %d pods of %q on %d machines", e.Name, e.Replicas, e.Selector, len(e.Nodes))
		}
		p.expectedEgressPods(e, nodes)
	}
	p.differ("ways out", have, p.egressBrought())
}

// expectedEgressPods compares the machines with the Nodes of the tree, and the pods with the values of the gateway chart.
func (p *pass) expectedEgressPods(e *expectedEgress, nodes map[string]bool) {
	for _, n := range e.Nodes {
		if !nodes[n] {
			p.unexpected("way out %s: there is no Node %s", e.Name, n)
		}
	}
	for _, s := range e.Sources {
		if e.Provider == "host" && !slices.Contains(e.Nodes, s.Node) {
			p.unexpected("way out %s: no pod of it may run on %s, which has %s", e.Name, s.Node, s.Address)
		}
	}
	for _, name := range sortedKeys(p.values) {
		if c := p.releases.Charts[name]; c.Name == "gateway" && c.Namespace == e.Namespace {
			if n, ok := get(p.values[name].value, "replicaCount").(int64); !ok || int(n) != e.Replicas {
				p.unexpected("way out %s: %d pods, and chart %s has %v", e.Name, e.Replicas, name, get(p.values[name].value, "replicaCount"))
			}
		}
	}
}

// egressBrought are the ways out that the tree brings about.
func (p *pass) egressBrought() []string {
	var out []string
	for _, o := range p.objects {
		switch {
		case o.within != nil:
		case o.is(ciliumGroup, "CiliumEgressGatewayPolicy"):
			all := list(o.value, "spec", "egressGateways")
			if len(all) == 0 {
				all = []any{get(o.value, "spec", "egressGateway")}
			}
			for _, g := range all {
				out = append(out, fmt.Sprintf("CiliumEgressGatewayPolicy.%s.%s %s, %s on %s", o.version, o.group, o.name, str(g, "egressIP"),
					str(g, "nodeSelector", "matchLabels", "kubernetes.io/hostname")))
			}
		case o.is(calicoOperator, "EgressGateway"):
			var networks, labels []string
			for _, ref := range list(o.value, "spec", "ipPools") {
				if pool := p.find(calicoGroup, "IPPool", "", str(ref, "name")); pool != nil {
					networks = append(networks, str(pool.value, "spec", "cidr"))
				}
			}
			of := dict(o.value, "spec", "template", "metadata", "labels")
			for _, k := range sortedKeys(of) {
				labels = append(labels, fmt.Sprintf("%s=%v", k, of[k]))
			}
			out = append(out, fmt.Sprintf("EgressGateway.%s.%s %s/%s, %v pods of %s with %s", o.version, o.group, o.namespace, o.name,
				get(o.value, "spec", "replicas"), strings.Join(labels, ","), strings.Join(networks, " ")))
		}
	}
	for _, name := range sortedKeys(p.values) {
		v, c := p.values[name].value, p.releases.Charts[name]
		if str(v, "service", "annotations", "kube-vip.io/egress") == "true" {
			out = append(out, fmt.Sprintf("Service %s/%s, %s", c.Namespace, str(v, "name"), strings.ReplaceAll(str(v, "service", "annotations", "kube-vip.io/loadbalancerIPs"), ",", " ")))
		}
	}
	return append(out, p.rewritingMachines()...)
}

// rewritingMachines are the source addresses of the machines' files.
func (p *pass) rewritingMachines() []string {
	var out []string
	if p.tree.Lookup(inventoryPath(p.releases.Site)) == nil {
		return nil
	}
	machines := p.inventory()
	for _, f := range slices.Concat(p.tree.Files(), p.carried) {
		if !match(sourcesGlob, f.Path()) {
			continue
		}
		rules, _ := parseSources(f.Bytes())
		for _, node := range machines.ofFolder(strings.Split(f.Path(), "/")[2]) {
			for _, r := range rules {
				if text := fmt.Sprintf("file of %s, %s", node, r.source); !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
		}
	}
	return out
}
