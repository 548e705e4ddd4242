// Package openelb prints OpenELB: pools, the AS of each speaker, and the peers.
//
// In come the plan's load balancer with its peerings, and what is decided for OpenELB alone. Out go Eip, BgpConf and
// BgpPeer of the phase 10-load-balancer, one file a kind, and the values of the chart. Fields were read in api/v1alpha2
// and pkg/speaker of OpenELB 0.6.0, values in charts/values.yaml and charts/templates. The labels of the nodes and the
// annotations of Services stand in the plan, and others print them.
package openelb

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes OpenELB's objects and the values of its chart.
var Backend = backend.Backend{
	Name: "openelb",
	Kind: "loadbalancer",
	Doc:  "address pools, the AS of each speaker and BGP peers of OpenELB, and the values of its chart",
	Emit: emit,
}

const v1alpha2 = "network.kubesphere.io/v1alpha2"

func emit(p *ir.Plan, t *artifact.Tree) {
	o := p.OpenELB
	if o == nil {
		return
	}
	eips(p, t)
	if len(p.LoadBalancer.Peerings) > 0 && p.Calico == nil {
		conf(p, t)
		peers(p, t)
	}
	for _, r := range p.Releases {
		if r.Component == p.LoadBalancer.Kind {
			values(p, t, r)
		}
	}
}

// object writes one object: all kinds of OpenELB belong to no namespace.
func object(p *ir.Plan, y *artifact.YAML, kind, name string, from ir.From, spec func()) {
	backend.Object(y, backend.Meta{
		APIVersion: v1alpha2, Kind: kind, Name: name, Labels: backend.ManagedBy(p),
		From: append(from[:len(from):len(from)], p.From...),
	}, func() { y.Map("spec", spec) })
}

const eipComment = `One network or range each. The webhook refuses another address for one that is there: delete it first, and its Services
lose theirs until they have one of the new. Neither namespaces nor a default are given: no Service gets an address that it
does not ask for by name. Who may ask is not limited: any Service with the annotations gets the address, beside the owner.`

func eips(p *ir.Plan, t *artifact.Tree) {
	if len(p.OpenELB.Eips) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "Eip")
	y.Comment(eipComment)
	for _, e := range p.OpenELB.Eips {
		object(p, y, "Eip", e.Name, e.From, func() {
			y.From("", e.From.Of("addresses")...)
			y.KV("address", e.Address)
			y.From("", e.From.Of("announce")...)
			y.KV("protocol", e.Protocol)
			if e.Interface != "" {
				y.KV("interface", e.Interface)
			}
		})
	}
}

const confComment = `Read under this name alone. There is no general AS: a speaker without its own does not start BGP. Each node that announces
is a rack by itself, by its label, and so announces its own address as next hop and no other node's. The label must be
there before the speaker's pod: a change of it is read at the pod's next start. It does not listen: switches wait.`

func conf(p *ir.Plan, t *artifact.Tree) {
	o := p.OpenELB
	y := backend.Objects(p, t, backend.LoadBalancer, "BgpConf")
	y.Comment(confComment)
	object(p, y, "BgpConf", "default", o.From, func() {
		y.KV("listenPort", -1)
		y.Map("asPerRack", func() {
			for _, s := range o.Speakers {
				y.From("", s.From...)
				y.KV(s.Node, s.ASN)
			}
		})
	})
}

const peerComment = `One peer a rack and switch. The node opens the session and the switch waits. The one family is named, and add-path with
it left out: without, a speaker would ask to send up to ten paths an address.`

func peers(p *ir.Plan, t *artifact.Tree) {
	y := backend.Objects(p, t, backend.LoadBalancer, "BgpPeer")
	y.Comment(peerComment)
	for i := range p.LoadBalancer.Peerings {
		s := &p.LoadBalancer.Peerings[i]
		object(p, y, "BgpPeer", s.Name, s.From, func() { peer(y, s) })
	}
}

func peer(y *artifact.YAML, s *ir.Peering) {
	y.Map("conf", func() {
		y.From("", s.From.Of("asn")...)
		y.KV("peerAs", s.SwitchASN)
		y.From("", s.From.Of("address")...)
		y.KV("neighborAddress", s.SwitchAddress)
	})
	y.From("", s.From...)
	y.Map("timers", func() {
		y.Map("config", func() { // seconds, as strings
			if s.ConnectSecs > 0 {
				y.KV("connectRetry", strconv.Itoa(s.ConnectSecs))
			}
			y.From("", s.From.Of("holdTime")...)
			y.KV("holdTime", strconv.Itoa(s.HoldSecs))
			y.From("", s.From.Of("keepaliveTime")...)
			y.KV("keepaliveInterval", strconv.Itoa(s.KeepaliveSecs))
		})
	})
	y.From("", s.From...)
	y.Seq("afiSafis", func() {
		y.Item(func() {
			y.Map("config", func() {
				y.Map("family", func() {
					y.KV("afi", "AFI_IP")
					y.KV("safi", "SAFI_UNICAST")
				})
				y.KV("enabled", true)
			})
		})
	})
	y.From("", s.NodeSelector.From...)
	y.Map("nodeSelector", func() { backend.Expressions(y, s.NodeSelector) })
}
