package metallb

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const peerComment = `One peer a rack, switch and address family. The node opens the session and the switch waits: FRR on the node does not listen.`

// nativeComment says what a peer of the speaker's own BGP leaves out: its webhook refuses all of the configuration for a
// keepalive or connect time, BFD or an interface (internal/config/validation.go, DiscardFRROnly).
const nativeComment = `One peer a rack and switch. The node opens the session and the switch waits: the speaker does not listen.
Its keepalive time is a third of the hold time, always; it may not be told.`

// secretComment says what the site must bring. MetalLB takes no configuration at all while a Secret that it refers to is
// missing (internal/config: a TransientError), so the sessions of every peer wait for it.
const secretComment = `Each passwordSecret must exist beforehand, in the namespace of the peer, of type kubernetes.io/basic-auth with the key
"password" (at most 80 characters, no blanks). While one is missing the speakers take none of the configuration.`

func peers(p *ir.Plan, t *artifact.Tree) {
	lb := &p.LoadBalancer
	if len(lb.Peerings) == 0 || p.Calico != nil { // the pod network holds them
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "BGPPeer")
	program := lb.From.Of("metallb")
	y.From("", slices.Concat(program, lb.Peerings[0].From)...) // and which is first
	if lb.OwnKeepalive {
		y.Comment(nativeComment)
	} else {
		y.Comment(peerComment)
	}
	for i := range lb.Peerings {
		if lb.Peerings[i].PasswordSecret != "" {
			y.Comment(secretComment)
			break
		}
	}
	for i := range lb.Peerings {
		s := &lb.Peerings[i]
		object(p, y, v1beta2, "BGPPeer", s.Name, s.From, func() { peer(y, s, !lb.OwnKeepalive, program) })
	}
}

// peer writes a BGPPeer; told says whether it may be told its keepalive time, program what decides that.
func peer(y *artifact.YAML, s *ir.Peering, told bool, program ir.From) {
	y.From("", s.From.Of("nodeASN")...)
	y.KV("myASN", s.NodeASN)
	y.From("", s.From.Of("asn")...)
	y.KV("peerASN", s.SwitchASN)
	y.From("", s.From.Of("address")...)
	y.KV("peerAddress", s.SwitchAddress)
	y.From("", s.From.Of("holdTime")...)
	y.KV("holdTime", seconds(s.HoldSecs))
	if told {
		y.From("", slices.Concat(s.From.Of("keepaliveTime"), program)...)
		y.KV("keepaliveTime", seconds(s.KeepaliveSecs))
	}
	if s.ConnectSecs > 0 {
		y.From("", program...)
		y.KV("connectTime", seconds(s.ConnectSecs))
	}
	if s.RestartSecs != 0 {
		y.From("", s.From.Of("gracefulRestart")...)
		y.Comment("It cannot be changed: delete the peer first, which ends its sessions.")
		y.KV("enableGracefulRestart", true)
	}
	if s.Multihop {
		y.From("", s.From.Of("homing")...)
		y.KV("ebgpMultiHop", true)
	}
	if s.BFD != nil {
		y.From("", s.BFD.From...)
		y.KV("bfdProfile", s.BFD.Name)
	}
	if s.PasswordSecret != "" {
		y.From("", s.From.Of("passwordSecret")...)
		y.Map("passwordSecret", func() { y.KV("name", s.PasswordSecret) })
	}
	nodeSelectors(y, s.NodeSelector)
}

func bfdProfile(p *ir.Plan, t *artifact.Tree, b *ir.BFD) {
	y := backend.Objects(p, t, backend.LoadBalancer, "BFDProfile")
	object(p, y, v1beta1, "BFDProfile", b.Name, b.From, func() {
		y.From("", b.From.Of("interval")...)
		y.KV("receiveInterval", b.IntervalMS)
		y.KV("transmitInterval", b.IntervalMS)
		y.From("", b.From.Of("multiplier")...)
		y.KV("detectMultiplier", b.Multiplier)
	})
}
