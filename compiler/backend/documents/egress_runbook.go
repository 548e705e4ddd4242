package documents

import (
	"slices"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// A wayOut is what the runbook says of an egress gateway.
type wayOut struct {
	Name    string
	By      string // what gives the source address
	Host    bool   // checks/run.sh on a machine with a source has something to look at
	Sources []sourceOn
	Look    []string
	Found   string // what to make of it
	Lost    string // with a machine or a pod
	Far     string // what the other end admits
	More    string // one address more
}

type sourceOn struct{ Source, Machines string }

// waysOut are the egress gateways: those of the pod network, of Calico, of the mesh.
func waysOut(p *ir.Plan) []wayOut {
	out := ciliumWaysOut(p)
	if p.CalicoEgress != nil {
		for i := range p.CalicoEgress.Gateways {
			out = append(out, calicoWayOut(p, &p.CalicoEgress.Gateways[i]))
		}
	}
	for i := range p.EgressProxies {
		if x := &p.EgressProxies[i]; len(x.Pods.VIPs) > 0 {
			out = append(out, kubeVIPWayOut(p, x))
		} else {
			out = append(out, hostWayOut(x.Pods.Name, x.Sources, x.Pods.Namespace, x.Pods.Selector))
		}
	}
	if p.Consul != nil {
		for i := range p.Consul.Ways {
			if w := &p.Consul.Ways[i]; len(w.Sources) > 0 {
				out = append(out, hostWayOut(w.Via, w.Sources, w.Passage.Namespace, w.Passage.Selector))
			}
		}
	}
	return out
}

// ciliumWaysOut has one entry of a gateway, whatever number of destinations and families goes by it.
func ciliumWaysOut(p *ir.Plan) []wayOut {
	var out []wayOut
	for i := range p.Egress {
		e := &p.Egress[i]
		k := slices.IndexFunc(out, func(w wayOut) bool { return w.Name == e.Gateway })
		if k < 0 {
			k = len(out)
			out = append(out, wayOut{Name: e.Gateway, By: "Cilium", Host: true,
				Found: "A source `0.0.0.0` on the gateway's own node means that the address is on none of its interfaces, and that the packets are dropped. An agent looks for the address when it reads the policy and not again: after a change of the interface delete the policy (`kubectl delete ciliumegressgatewaypolicy NAME`) and apply the phase " + code(string(backend.Policy)) + " once more.",
				Lost:  "Each pod keeps to one of the sources, chosen by its identity, and Cilium does not look whether the node with the address is alive: when the machine is lost, the pods that keep to it reach nothing until its Node is deleted (`kubectl delete node NODE`); then they keep to another address, and their connections break. With a single source there is no other.",
				Far:   "It admits every source of the table: with several each pod keeps to one of them. A pod that has just started may for a moment send with the address of its node: the other end must refuse that one, not trust it.",
				More:  "The other end admits it first. Then it is put on an interface of a machine of the gateway's class, for good; then it stands in `egressAddresses` of the machine and in `addresses` of the gateway, and the phases " + code(string(backend.Nodes)) + " and " + code(string(backend.Policy)) + " are applied. Pods may come to keep to another address than before: their connections break.",
			})
		}
		w := &out[k]
		w.Look = append(w.Look, "kubectl get ciliumegressgatewaypolicies.cilium.io "+e.Name+" -o yaml")
		for _, s := range e.Sources {
			if r := (sourceOn{code(s.Address.String()), code(s.Node)}); !slices.Contains(w.Sources, r) {
				w.Sources = append(w.Sources, r)
				w.Look = append(w.Look, "ip -brief address show to "+s.Address.String()+" # on "+s.Node+": one line",
					"kubectl -n kube-system exec "+agentOn(s.Node)+" -c cilium-agent -- cilium-dbg bpf egress list | grep -F "+s.Address.String())
			}
		}
	}
	return out
}

func hostWayOut(name string, sources []ir.EgressSource, namespace string, pods []ir.KV) wayOut {
	w := wayOut{Name: name, By: "the kernel of the machine that a pod of the gateway is on", Host: true,
		Found: "There is a pod for each machine. No table: " + code("systemctl reload-or-restart meshgen-egress") + " on that machine. Connections that stand keep the address that they began with.",
		Lost:  "With a machine its source is lost; the other pods go on with theirs, and connections by way of the lost one break. A machine that has the pod and not the rules sends with the address of the node, which the other end refuses: drain it until they are there.",
		Far:   "It admits every one of these sources, and no addresses of nodes: which pod of the gateway a connection takes nobody chooses.",
		More:  "A machine has one of each family, so it comes with one more machine of the gateway's class. The other end admits it first. Then the machine has it on an interface, for good, and " + code("/etc/meshgen/egress.nft") + " with its unit, before it joins the cluster; then the phases and charts of this tree bring the pod.",
	}
	for _, s := range sources {
		w.Sources = append(w.Sources, sourceOn{code(s.Address.String()), code(s.Node)})
		w.Look = append(w.Look, "nft list table inet meshgen_egress # on "+s.Node+": the counter of "+s.Address.String()+" grows",
			"ip -brief address show to "+s.Address.String()+" # on "+s.Node+": one line")
	}
	w.Look = append(w.Look, "kubectl -n "+namespace+" get pods -o wide -l "+ir.SelectorText(pods))
	return w
}

func kubeVIPWayOut(p *ir.Plan, x *ir.EgressProxy) wayOut {
	address, g := x.Sources[0].Address.String(), &x.Pods
	return wayOut{Name: g.Name, By: "kube-vip on the machine that the gateway's pod is on",
		Sources: []sourceOn{{code(address), codes(placed(p, g)) + ": where the pod is"}},
		Look: []string{"kubectl -n " + g.Namespace + " get service " + g.Release + " -o jsonpath='{.metadata.annotations.kube-vip\\.io/active-endpoint}'",
			"kubectl -n " + g.Namespace + " get pods -o wide -l " + ir.SelectorText(g.Selector),
			"ip -brief address show to " + address + " # on the pod's machine: one line",
			"nft list table ip kube_vip_v4 # on the pod's machine: snat to " + address},
		Found: "The pod that is noted is the one that runs, and its machine has the address and the rule. The rule stands at the same priority as those of the pod network; the kernel asks the one that was made last first. When a restart of the pod network's programs has made theirs anew, restart the gateway: " + code("kubectl -n "+g.Namespace+" rollout restart deployment "+g.Release) + ".",
		Lost:  "There is one pod. With the machine pod and address move, and connections break; until the pod runs elsewhere nothing gets out.",
		Far:   "It admits " + code(address) + ", and nothing besides: a pod that has just started may for a moment send with the address of its machine, before kube-vip has noted it.",
		More:  "kube-vip gives the one pod of a gateway one address. Another address is another egress gateway, for other destinations; the other end admits it first.",
	}
}

func calicoWayOut(p *ir.Plan, g *ir.CalicoGateway) wayOut {
	w := wayOut{Name: g.Pods.Name, By: "Calico, to pods of its own",
		Look: []string{"kubectl -n " + g.Pods.Namespace + " get egressgateways.operator.tigera.io " + g.Pods.Release + " -o jsonpath='{.status.state}' # Ready",
			"kubectl -n " + g.Pods.Namespace + " get pods -o wide -l " + ir.SelectorText([]ir.KV{g.Label}),
			"kubectl get ippools.projectcalico.org"},
		Found: "The gateway is ready, and each of its pods has one of the sources. Look with a transfer of many full packets: between machines what goes to a gateway has a header of VXLAN twice.",
		Lost:  "With a machine its pod is lost, and connections by way of it break; nodes ask each gateway that their pods use whether it is ready, and leave out one that is not. While none is, nothing gets out to these destinations. A next hop that is dead must leave the switches' routes to the sources.",
		Far:   "It admits every address of the gateway: which pod a connection takes the sender's node decides, by the addresses of both ends, and which address that pod has nobody chooses.",
		More: "The other end admits it first, and the switches have a route to it; then it stands in `addresses` of the gateway, and the phase " + code(string(backend.Egress)) +
			" brings its pool and one pod more. Take one that leaves the networks above as they are: one that makes a larger network of them would bring a pool that overlaps those that are there, of which Calico disables one.",
	}
	for _, pool := range g.Pools {
		w.Sources = append(w.Sources, sourceOn{code(pool.Network.String()), codes(placed(p, &g.Pods))})
	}
	return w
}
