package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const clusterComment = `One configuration a rack and role; a node that two of them select reads neither. Nodes of the role "vips" announce virtual
addresses, those of the role "pods" their range of pods alone. The node opens the session and the switch waits: without
localPort Cilium does not listen. Its router ID is its IPv4 address.`

func clusters(p *ir.Plan, t *artifact.Tree, c *ir.Cilium) {
	if len(c.Clusters) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "CiliumBGPClusterConfig")
	var all ir.From // the comment stands above whichever is the first
	for i := range c.Clusters {
		all = append(all, c.Clusters[i].From...)
	}
	y.From("", all...)
	y.Comment(clusterComment)
	for i := range c.Clusters {
		cl := &c.Clusters[i]
		object(p, y, v2, "CiliumBGPClusterConfig", cl.Name, nil, cl.From, func() {
			y.From("", cl.Nodes.From...)
			y.Map("nodeSelector", func() { backend.Expressions(y, cl.Nodes) })
			y.Fixed()
			y.Seq("bgpInstances", func() {
				y.Item(func() { instance(y, cl) })
			})
		})
	}
}

func instance(y *artifact.YAML, cl *ir.CiliumCluster) {
	y.KV("name", cl.Instance)
	y.From("", cl.From.Of("nodeASN")...)
	y.KV("localASN", cl.ASN)
	y.From("", cl.From...)
	y.Seq("peers", func() {
		for i := range cl.Sessions {
			s := &cl.Sessions[i]
			y.From("", s.From...)
			y.Item(func() {
				y.KV("name", s.Name)
				y.From("", s.From.Of("address")...)
				y.KV("peerAddress", s.Address)
				y.From("", s.From.Of("asn")...)
				y.KV("peerASN", s.ASN)
				y.From("", s.From...)
				y.Map("peerConfigRef", func() { y.KV("name", s.Peer) })
			})
		}
	})
	y.Fixed()
}

const peerComment = `Cilium has no BFD: a dead node is noticed when the hold time is over, or at once when its link goes down.`

const secretComment = `Each authSecretRef is a Secret in kube-system with the key "password" (at most 80 characters, no blanks). While it is missing
Cilium opens the session without a password, and the switch refuses it.`

func peers(p *ir.Plan, t *artifact.Tree, c *ir.Cilium) {
	if len(c.Peers) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "CiliumBGPPeerConfig")
	y.Comment(peerComment)
	for i := range c.Peers {
		if c.Peers[i].PasswordSecret != "" {
			y.Comment(secretComment)
			break
		}
	}
	for i := range c.Peers {
		object(p, y, v2, "CiliumBGPPeerConfig", c.Peers[i].Name, nil, c.Peers[i].From, func() { peer(y, &c.Peers[i]) })
	}
}

func peer(y *artifact.YAML, s *ir.CiliumPeer) {
	if s.PasswordSecret != "" {
		y.From("", s.From.Of("passwordSecret")...)
		y.KV("authSecretRef", s.PasswordSecret)
		y.Fixed()
	}
	y.Map("timers", func() {
		y.KV("connectRetryTimeSeconds", s.ConnectSecs)
		y.From("", s.From.Of("holdTime")...)
		y.KV("holdTimeSeconds", s.HoldSecs)
		y.From("", s.From.Of("keepaliveTime")...)
		y.KV("keepAliveTimeSeconds", s.KeepaliveSecs)
		y.Fixed()
	})
	if s.RestartSecs != 0 {
		y.From("", s.From.Of("gracefulRestart")...)
		y.Map("gracefulRestart", func() {
			y.KV("enabled", true)
			y.KV("restartTimeSeconds", s.RestartSecs)
		})
	}
	y.From("", s.From...)
	y.Seq("families", func() {
		y.Item(func() {
			y.KV("afi", string(s.Family))
			y.KV("safi", "unicast")
			in(y, "advertisements", routesLabel, s.Routes)
		})
	})
}

const advertComment = `Host routes only, without aggregation: with externalTrafficPolicy Local a node announces an address while it has a pod
behind it, and an aggregate would come from nodes without one.`

func adverts(p *ir.Plan, t *artifact.Tree, c *ir.Cilium) {
	if len(c.Adverts) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "CiliumBGPAdvertisement")
	y.Comment(advertComment)
	for i := range c.Adverts {
		a := &c.Adverts[i]
		object(p, y, v2, "CiliumBGPAdvertisement", a.Name, []ir.KV{{Key: routesLabel, Value: a.Name}}, a.From, func() {
			y.From("", a.From...)
			y.Seq("advertisements", func() {
				y.Item(func() { advert(y, a) })
			})
		})
	}
}

func advert(y *artifact.YAML, a *ir.CiliumAdvert) {
	if a.Pods {
		y.KV("advertisementType", "PodCIDR")
		return
	}
	y.KV("advertisementType", "Service")
	y.Map("service", func() { y.KV("addresses", []string{"LoadBalancerIP"}) })
	in(y, "selector", namespaceLabel, a.Namespaces)
	if len(a.Standard)+len(a.Large) == 0 {
		return
	}
	y.From("", a.From.Of("communities", "announce")...)
	y.Map("attributes", func() {
		y.Map("communities", func() {
			if len(a.Standard) > 0 {
				y.KV("standard", a.Standard)
			}
			if len(a.Large) > 0 {
				y.KV("large", a.Large)
			}
		})
	})
}
