package rules

import (
	"net/netip"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// CalicoRelease finds a Calico that cannot be told the AS of a rack.
var CalicoRelease = &check.Rule{
	ID: "MG5835", Name: "calico-announcing-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Calico is to announce pods with an AS number a rack, and its release has none for a peer

BGPPeer has localASNumber from 3.31 on. Before, the number of a node that differs from that of the cluster is an annotation
of the node, which this output does not write: its sessions would come up with the wrong number at the switch, or not at all.
Source: projectcalico/calico v3.30.7 and v3.31.0, confd/etc/calico/confd/templates/bird.cfg.template.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !lower.CalicoAnnounces(s) || profile.CompareVersions(mainline(s.Kubernetes.CNI.Version), "3.31") >= 0 {
			return
		}
		for rn := range byKey(s.Racks) {
			if asn, at := nodeASN(s, rn); asn != s.Fabric.BGP.NodeASN {
				p.Reportf("kubernetes.cni.version", "Calico %s is to announce pods of rack %q with AS number %d, and takes one number for all nodes", s.Kubernetes.CNI.Version, rn, asn).
					Related(at, "the number").Hintf("Calico 3.31, or one fabric.bgp.nodeASN")
				return
			}
		}
	},
}

// maxCalicoASN is the largest AS number that an API server takes in Calico's objects.
const maxCalicoASN = 1<<31 - 1

// CalicoASN finds AS numbers that Calico's API refuses.
var CalicoASN = &check.Rule{
	ID: "MG5836", Name: "calico-as-number", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an AS number of a session of Calico's is above 2147483647

The API server refuses the object: its field is a signed number of 32 bits. Private numbers of four bytes, from 4200000000
on, all lie above.
Source: projectcalico/calico issue 13494; v3.31.7 and v3.32.1 crd.projectcalico.org_bgppeers.yaml, format int32.`,
	Run: func(p *check.Pass) {
		if !lower.CalicoAnnounces(p.Site) {
			return
		}
		seen := map[string]bool{}
		see := func(asn uint32, at string) {
			if asn > maxCalicoASN && !seen[at] {
				seen[at] = true
				p.Reportf(at, "AS number %d is more than the %d that Calico's API takes", asn, maxCalicoASN).
					Related("kubernetes.cni.kind", "the pod network").Hintf("a number of 64512 to 65534")
			}
		}
		for rn, r := range byKey(p.Site.Racks) {
			see(nodeASN(p.Site, rn))
			for tn, t := range byKey(r.ToRs) {
				see(t.ASN, site.Join("racks", rn, "tors", tn, "asn"))
			}
		}
	},
}

// CalicoRestarts finds switches that could keep the routes of a Calico that restarts, and are not asked to.
var CalicoRestarts = &check.Rule{
	ID: "MG5837", Name: "calico-restarts", Severity: diag.Warning, On: check.OnSite,
	Doc: `Calico announces pods, and switches that could keep its routes over a restart are told not to

Without gracefulRestart a switch is told to end a node's routes with its session, whatever Calico asks for: it always asks.
Each restart of calico-node, by an upgrade too, then takes the pods of its node from those of other racks until the session
is back. Switches that may keep the routes of a dead node leave no other choice; those of FRR and SONiC do.
Source: projectcalico/calico v3.31.7 bird.cfg.template, "graceful restart"; RFC 4724, section 4.2.`,
	Run: func(p *check.Pass) {
		if !lower.CalicoAnnounces(p.Site) || p.Site.Fabric.BGP.GracefulRestart {
			return
		}
		for t := range tors(p.Site) {
			if sw := p.Profiles.Switch(t.OS); t.ASN != 0 && (sw == nil || !sw.BoundsRestart) {
				return
			}
		}
		p.Reportf("fabric.bgp", "pods of a node are cut off from other racks while Calico restarts there: gracefulRestart is not asked for, and every switch has it").
			Related("kubernetes.cni.kind", "the pod network").Hintf("gracefulRestart: true")
	},
}

// CalicoBFD finds BFD between switches and nodes of Calico.
var CalicoBFD = &check.Rule{
	ID: "MG5838", Name: "calico-bfd", Severity: diag.Error, On: check.OnSite,
	Doc: `the site asks for BFD, and Calico's sessions with the switches have none

Its BIRD is built without: no field of BGPPeer asks for BFD. A dead node is noticed when the hold time is over.
Source: projectcalico/calico v3.31.7 and v3.32.1 api/pkg/apis/projectcalico/v3/bgppeer.go.`,
	Run: func(p *check.Pass) {
		if b := p.Site.Fabric.BGP; lower.CalicoAnnounces(p.Site) && b.BFD != nil {
			p.Reportf("fabric.bgp.bfd", "bfd is asked for (%s × %d), and Calico, which holds the sessions, has none", b.BFD.Interval, b.BFD.Multiplier).
				Related("kubernetes.cni.kind", "the pod network").Hintf("leave out bfd: holdTime %s decides then", b.HoldTime)
		}
	},
}

// CalicoKeepalive finds a keepalive time that Calico does not take.
var CalicoKeepalive = &check.Rule{
	ID: "MG5839", Name: "calico-keepalive", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the keepalive time is not a third of the hold time, and Calico takes no other

It takes the hold time of the switch where that is below its own 240 s, and sends a keepalive each third of it. A longer
hold time of the switch does not hold.
Source: BIRD 1.6 documentation, BGP, hold time and keepalive time; projectcalico/calico v3.31.7 bird.cfg.template.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if !lower.CalicoAnnounces(p.Site) {
			return
		}
		const most = 240 * time.Second
		hold, keep := site.ParseDuration(b.HoldTime), site.ParseDuration(b.KeepaliveTime)
		switch third := (hold / 3).Truncate(time.Second); {
		case hold > most:
			p.Reportf("fabric.bgp.holdTime", "hold time %s is longer than the %s that Calico asks for", b.HoldTime, most).Hintf("holdTime: \"%ds\" at most", int(most/time.Second)).Related("kubernetes.cni.kind", "the pod network")
		case keep < third:
			p.Reportf("fabric.bgp.keepaliveTime", "keepalive time %s is not a third of the hold time %s, and Calico takes no other", b.KeepaliveTime, b.HoldTime).
				Related("fabric.bgp.holdTime", "the hold time").Related("kubernetes.cni.kind", "the pod network").Hintf("keepaliveTime: %q", third.String())
		}
	},
}

// CalicoBlockSize finds lengths of blocks that Calico does not cut a pool to.
var CalicoBlockSize = &check.Rule{
	ID: "MG5840", Name: "calico-block-size", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Calico's blocks have a length that it does not announce, or that is no part of their network

A pool takes 20 to 32 for IPv4 and 116 to 128 for IPv6. Blocks of a single address are never announced as blocks, and one as
large as its network leaves nothing for a second node.
Source: projectcalico/calico v3.31.7 libcalico-go/lib/validator/v3, validateIPPoolSpec; confd bird_aggr.cfg.template.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		const at = "kubernetes.cni.calico.blockSize"
		switch {
		case k.CNI.Calico == nil || k.CNI.Kind != "calico": // options of another kind are refused when they are read
			return
		case len(k.CNI.Calico.BlockSize) != len(k.PodCIDRs):
			p.Reportf(at, "blockSize has %d length(s) and podCIDRs %d network(s)", len(k.CNI.Calico.BlockSize), len(k.PodCIDRs)).
				Related("kubernetes.podCIDRs", "the pod networks").Hintf("give one length for each network, in the same order")
			return
		}
		for i, bits := range k.CNI.Calico.BlockSize {
			net, err := netip.ParsePrefix(k.PodCIDRs[i])
			if err != nil {
				continue
			}
			network, most := site.Join("kubernetes", "podCIDRs", site.Index(i)), net.Addr().BitLen()
			switch {
			case bits < most-12 || bits >= most:
				p.Reportf(at, "blocks of /%d: Calico announces blocks of /%d to /%d of an %s network", bits, most-12, most-1, family(net.Addr().Is4())).Hintf("blockSize: %d to %d", max(most-12, net.Bits()+1), most-1).Related(network, "the pod network")
			case bits <= net.Bits():
				p.Reportf(at, "a block of /%d is no part of pod network %s", bits, net).Hintf("blockSize: %d to %d, longer than the network", max(most-12, net.Bits()+1), most-1).Related(network, "the pod network")
			}
		}
	},
}

// CalicoBlocks counts the blocks that nodes may take.
var CalicoBlocks = &check.Rule{
	ID: "MG5841", Name: "calico-blocks", Severity: diag.Error, On: check.OnSite,
	Doc: `the pod network has fewer blocks than its nodes may need

Each node takes blocks as its pods fill them. With all of them taken, a node without a free address may not borrow one of
another's block, because that would be a route that no switch takes: its pods stay in ContainerCreating.
Source: projectcalico/calico v3.31.7 libcalico-go/lib/ipam/ipam.go, autoAssign.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		if !lower.CalicoAnnounces(p.Site) || k.CNI.Calico == nil || len(k.CNI.Calico.BlockSize) != len(k.PodCIDRs) {
			return
		}
		nodes := 0
		for _, r := range p.Site.Racks {
			nodes += len(r.Nodes)
		}
		for i, bits := range k.CNI.Calico.BlockSize {
			net, err := netip.ParsePrefix(k.PodCIDRs[i])
			if err != nil || bits <= net.Bits() || bits >= net.Addr().BitLen() || bits-net.Bits() > 30 {
				continue
			}
			room, each := 1<<(bits-net.Bits()), lower.CalicoBlocks(p.Site, net.Addr().BitLen()-bits)
			if nodes*each > room {
				p.Reportf(site.Join("kubernetes", "podCIDRs", site.Index(i)), "pod network %s has %d blocks of /%d, and %d nodes may take %d each", net, room, bits, nodes, each).
					Related("kubernetes.cni.calico.blockSize", "the length of a block").Hintf("a larger network, or fewer maxPods")
			}
		}
	},
}

// CalicoUnnumbered finds nodes whose own routing has the port of Calico's.
var CalicoUnnumbered = &check.Rule{
	ID: "MG5842", Name: "calico-unnumbered", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Calico announces pods from machines that have a BGP of their own

Homing "unnumbered" means a BGP daemon on each machine, which listens on TCP 179 before Kubernetes starts. Calico's listens
there on all addresses as well, and of the two one does not start.
Source: RFC 4271, section 8; projectcalico/calico v3.31.7 bird.cfg.template, listen bgp.`,
	Run: func(p *check.Pass) {
		if !lower.CalicoAnnounces(p.Site) {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing == "unnumbered" {
				p.Reportf(site.Join("racks", rn, "homing"), "not supported yet: homing \"unnumbered\" of rack %q with pods announced by Calico", rn).
					Related("kubernetes.cni.kind", "the pod network").Hintf("another homing; or an encapsulation, and no announced pods")
			}
		}
	},
}

// CalicoEncapsulation finds announced pods that are encapsulated between nodes.
var CalicoEncapsulation = &check.Rule{
	ID: "MG5843", Name: "calico-announced-encapsulated", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Calico announces pods, and encapsulates what they send each other

What a node sends through a tunnel to a pod comes back past it by the switches, and the address of a tunnel is one of a
block. Of this combination nothing has been tried: pods that switches know are routed by them.
Source: projectcalico/calico v3.31.7 bird_ipam.cfg.template, calico_kernel_programming.`,
	Run: func(p *check.Pass) {
		if e := p.Site.Kubernetes.CNI.Encapsulation; lower.CalicoAnnounces(p.Site) && e != "none" {
			p.Reportf("kubernetes.cni.encapsulation", "not supported yet: pods announced by Calico with encapsulation %q", e).
				Related("fabric.bgp.advertise.pods", "the pods are announced").Hintf("encapsulation: \"none\"; or leave out advertise: pods")
		}
	},
}

// CalicoSessionless finds nodes whose pods nobody announces.
var CalicoSessionless = &check.Rule{
	ID: "MG5844", Name: "calico-node-without-session", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Calico announces pods, and a node has no session for a family of theirs

Nodes of such a rack take blocks like any other, and no switch learns of them: their pods are reached from their own node
alone. A session carries the family of its addresses.
Source: projectcalico/calico v3.31.7 bird.cfg.template and bird6.cfg.template.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !lower.CalicoAnnounces(s) {
			return
		}
		pods := [2]bool{}
		for _, n := range prefixes(s.Kubernetes.PodCIDRs) {
			pods[familyIndex(n.Addr())] = true
		}
		for rn, r := range byKey(s.Racks) {
			var switches [2]bool
			for _, t := range r.ToRs {
				for i, has := range familiesOf(t.Address) {
					switches[i] = switches[i] || has && t.ASN != 0
				}
			}
			for i, name := range []string{"IPv4", "IPv6"} {
				if pods[i] && !switches[i] && len(r.Nodes) > 0 {
					p.Reportf(site.Join("racks", rn, "tors"), "pods have addresses of %s, and rack %q has no switch with an AS number and an address of it", name, rn).Hintf("asn, and an address of %s, for a switch of the rack; or fabric: bgp: advertise: pods: false", name).
						Related("fabric.bgp.advertise.pods", "the pods are announced")
					continue
				}
				for nn, n := range byKey(r.Nodes) {
					if pods[i] && !familiesOf(n.Address)[i] {
						p.Reportf(site.Join("racks", rn, "nodes", nn, "address"), "pods have addresses of %s, and node %s has none to announce them from", name, nn).Hintf("address: an address of each family").
							Related("fabric.bgp.advertise.pods", "the pods are announced")
					}
				}
			}
		}
	},
}
