package compiler

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/artifact"
)

// The node end of a site's sessions, as MetalLB's speaker and frr-k8s make it of the emitted objects alone. Read for it, of
// MetalLB: speaker/bgp_controller.go (which peers a node has, what it announces to which), internal/bgp/frrk8s/frrk8s.go (the
// FRRConfiguration); of frr-k8s: internal/controller/api_to_config.go and internal/frr/templates (the lines that FRR gets).

// lbObject is any object that MetalLB's speaker reads, Nodes included.
type lbObject struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		// BGPPeer
		MyASN, PeerASN                       uint32
		PeerAddress, BFDProfile              string
		HoldTime, KeepaliveTime, ConnectTime string
		PasswordSecret                       struct{ Name string }
		EBGPMultiHop                         bool
		// BGPAdvertisement
		IPAddressPools, Communities, Peers []string
		AggregationLength                  int
		AggregationLengthV6                int
		// BGPPeer and BGPAdvertisement
		NodeSelectors []struct {
			MatchLabels      map[string]string
			MatchExpressions []struct {
				Key, Operator string
				Values        []string
			}
		}
		// IPAddressPool
		Addresses []string
		// BFDProfile
		ReceiveInterval, TransmitInterval, DetectMultiplier int
	}
}

// selects reports whether the object is for a node with these labels. No selector is every node.
func (o *lbObject) selects(labels map[string]string) bool {
	for _, s := range o.Spec.NodeSelectors {
		ok := true
		for k, v := range s.MatchLabels {
			ok = ok && labels[k] == v
		}
		for _, e := range s.MatchExpressions {
			ok = ok && e.Operator == "In" && slices.Contains(e.Values, labels[e.Key])
		}
		if ok {
			return true
		}
	}
	return len(o.Spec.NodeSelectors) == 0
}

// owns reports whether an IPAddressPool has an address.
func (o *lbObject) owns(t *testing.T, vip netip.Addr) bool {
	for _, a := range o.Spec.Addresses {
		if first, last, ok := strings.Cut(a, "-"); ok {
			if netip.MustParseAddr(first).Compare(vip) <= 0 && vip.Compare(netip.MustParseAddr(last)) <= 0 {
				return true
			}
			continue
		}
		p, err := netip.ParsePrefix(a)
		if err != nil {
			t.Fatal(err)
		}
		if p.Contains(vip) {
			return true
		}
	}
	return false
}

// speaker is what the speaker of one node knows.
type speaker struct {
	t       *testing.T
	objects []*lbObject
	node    *lbObject
	vips    []netip.Addr // of all Services of type LoadBalancer; each has a pod on the node
}

func newSpeaker(t *testing.T, tree *artifact.Tree, node string) *speaker {
	t.Helper()
	s := &speaker{t: t}
	vip := regexp.MustCompile(`metallb\.io/loadBalancerIPs: (\S+)`)
	for _, f := range tree.Files() {
		for _, m := range vip.FindAllSubmatch(f.Bytes(), -1) {
			for _, a := range strings.Split(strings.Trim(string(m[1]), `"`), ",") {
				s.vips = append(s.vips, netip.MustParseAddr(a))
			}
		}
		if !strings.Contains(f.Path(), "/10-load-balancer/") && !strings.Contains(f.Path(), "/00-nodes/") {
			continue
		}
		for _, doc := range bytes.Split(f.Bytes(), []byte("\n---\n")) {
			o := &lbObject{}
			if err := yaml.Unmarshal(doc, o); err != nil {
				t.Fatalf("%s: %v", f.Path(), err)
			}
			s.objects = append(s.objects, o)
			if o.Kind == "Node" && o.Metadata.Name == node {
				s.node = o
			}
		}
	}
	if s.node == nil || len(s.vips) == 0 {
		t.Fatalf("the tree has no node %s, or no address", node)
	}
	return s
}

func (s *speaker) each(kind string, f func(*lbObject)) {
	for _, o := range s.objects {
		if o.Kind == kind {
			f(o)
		}
	}
}

// announced are the prefixes of a family that go to a peer, with their communities.
func (s *speaker) announced(peer string, v6 bool) map[netip.Prefix][]string {
	out := map[netip.Prefix][]string{}
	s.each("BGPAdvertisement", func(adv *lbObject) {
		if !adv.selects(s.node.Metadata.Labels) || len(adv.Spec.Peers) > 0 && !slices.Contains(adv.Spec.Peers, peer) {
			return
		}
		s.each("IPAddressPool", func(pool *lbObject) {
			if !slices.Contains(adv.Spec.IPAddressPools, pool.Metadata.Name) {
				return
			}
			for _, vip := range s.vips {
				if vip.Is6() == v6 && pool.owns(s.t, vip) {
					length := adv.Spec.AggregationLength
					if v6 {
						length = adv.Spec.AggregationLengthV6
					}
					p := netip.PrefixFrom(vip, length).Masked()
					out[p] = append(out[p], adv.Spec.Communities...)
				}
			}
		})
	})
	return out
}

// config is FRR's configuration on the node. The password of a peer is what password returns for the peer's address.
func (s *speaker) config(password func(address string) string) string {
	var filters, sessions, bfd strings.Builder
	var families [2]strings.Builder // IPv4, IPv6: a session carries the family of its addresses
	prefixes := [2]map[string]bool{{}, {}}
	asn := uint32(0)
	s.each("BGPPeer", func(o *lbObject) {
		if !o.selects(s.node.Metadata.Labels) {
			return
		}
		p, n := &o.Spec, o.Spec.PeerAddress
		asn = p.MyASN
		family, ip := 0, "ip"
		if netip.MustParseAddr(n).Is6() {
			family, ip = 1, "ipv6"
		}
		ads := s.announced(o.Metadata.Name, family == 1)
		seq := 0
		entry := func(match string) {
			seq++
			fmt.Fprintf(&filters, "route-map %s-out permit %d\n match %s address prefix-list %s\n", n, seq, ip, match)
		}
		for prefix, communities := range ads {
			for _, c := range communities {
				list := fmt.Sprintf("%s-%s-community-prefixes", n, c)
				fmt.Fprintf(&filters, "%s prefix-list %s permit %s\n", ip, list, prefix)
				entry(list)
				fmt.Fprintf(&filters, " set community %s additive\n on-match next\n", c)
			}
		}
		if len(ads) == 0 {
			fmt.Fprintf(&filters, "%s prefix-list %s-allowed deny any\n", ip, n)
		}
		for prefix := range ads {
			prefixes[family][prefix.String()] = true
			fmt.Fprintf(&filters, "%s prefix-list %s-allowed permit %s\n", ip, n, prefix)
		}
		entry(n + "-allowed")
		fmt.Fprintf(&filters, "%s prefix-list %s-incoming deny any\nroute-map %s-in permit 1\n match %s address prefix-list %s-incoming\n", ip, n, n, ip, n)

		fmt.Fprintf(&sessions, " neighbor %s remote-as %d\n neighbor %s port 179\n", n, p.PeerASN, n)
		fmt.Fprintf(&sessions, " neighbor %s timers %d %d\n neighbor %s timers connect %d\n",
			n, s.seconds(p.KeepaliveTime), s.seconds(p.HoldTime), n, s.seconds(p.ConnectTime))
		if p.EBGPMultiHop {
			fmt.Fprintf(&sessions, " neighbor %s ebgp-multihop\n", n)
		}
		if p.PasswordSecret.Name != "" {
			fmt.Fprintf(&sessions, " neighbor %s password %s\n", n, password(n))
		}
		if p.BFDProfile != "" {
			fmt.Fprintf(&sessions, " neighbor %s bfd\n neighbor %s bfd profile %s\n", n, n, p.BFDProfile)
		}
		fmt.Fprintf(&families[family], "  neighbor %s activate\n  neighbor %s route-map %s-in in\n  neighbor %s route-map %s-out out\n", n, n, n, n, n)
	})
	s.each("BFDProfile", func(o *lbObject) {
		fmt.Fprintf(&bfd, " profile %s\n  receive-interval %d\n  transmit-interval %d\n  detect-multiplier %d\n",
			o.Metadata.Name, o.Spec.ReceiveInterval, o.Spec.TransmitInterval, o.Spec.DetectMultiplier)
	})
	for family := range prefixes {
		for p := range prefixes[family] {
			fmt.Fprintf(&families[family], "  network %s\n", p)
		}
	}
	if asn == 0 {
		s.t.Fatalf("no peer is for node %s", s.node.Metadata.Name)
	}
	text := "ip nht resolve-via-default\n" + filters.String() + fmt.Sprintf("router bgp %d\n", asn) +
		" no bgp ebgp-requires-policy\n no bgp network import-check\n no bgp default ipv4-unicast\n bgp graceful-restart preserve-fw-state\n" +
		sessions.String()
	for family, name := range []string{"ipv4", "ipv6"} {
		text += " address-family " + name + " unicast\n" + families[family].String() + " exit-address-family\n"
	}
	text += "exit\n"
	if bfd.Len() > 0 {
		text += "bfd\n" + bfd.String()
	}
	return text
}

// stray makes the node announce further prefixes to all its peers of their family, as no load balancer would.
func (s *speaker) stray(prefixes ...string) string {
	var lists strings.Builder
	var networks [2]strings.Builder
	asn := uint32(0)
	for _, p := range prefixes {
		family, ip := 0, "ip"
		if netip.MustParsePrefix(p).Addr().Is6() {
			family, ip = 1, "ipv6"
		}
		fmt.Fprintf(&networks[family], "  network %s\n", p)
		s.each("BGPPeer", func(o *lbObject) {
			if o.selects(s.node.Metadata.Labels) && netip.MustParseAddr(o.Spec.PeerAddress).Is6() == (family == 1) {
				asn = o.Spec.MyASN
				fmt.Fprintf(&lists, "%s prefix-list %s-allowed permit %s\n", ip, o.Spec.PeerAddress, p)
			}
		})
	}
	text := lists.String() + fmt.Sprintf("router bgp %d\n", asn)
	for family, name := range []string{"ipv4", "ipv6"} {
		text += " address-family " + name + " unicast\n" + networks[family].String() + " exit-address-family\n"
	}
	return text
}

func (s *speaker) seconds(text string) int {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return int(d / time.Second)
}
