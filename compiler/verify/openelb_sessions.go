package verify

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const (
	openELBGroup = "network.kubesphere.io"
	openELBRack  = "openelb.kubesphere.io/rack" // label of a node, key of asPerRack
)

// openELBDocument is the union of what is read of OpenELB's kinds.
type openELBDocument struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		AS        uint32            `yaml:"as"`
		ASPerRack map[string]uint32 `yaml:"asPerRack"`

		Conf struct {
			PeerAS  uint32 `yaml:"peerAs"`
			Address string `yaml:"neighborAddress"`
		} `yaml:"conf"`
		Timers struct {
			Config struct {
				Hold      string `yaml:"holdTime"`
				Keepalive string `yaml:"keepaliveInterval"`
			} `yaml:"config"`
		} `yaml:"timers"`
		Multihop struct {
			Enabled bool `yaml:"enabled"`
		} `yaml:"ebgpMultihop"`
		Nodes *selector `yaml:"nodeSelector"`

		Address  string `yaml:"address"`
		Protocol string `yaml:"protocol"`
	} `yaml:"spec"`
}

// openELBObjects are OpenELB's objects until all have been read.
type openELBObjects struct {
	conf  openELBDocument // the one that is called default
	peers []openELBPlaced
	pools []string // names of the Eips that are announced by BGP, sorted
}

type openELBPlaced struct {
	openELBDocument
	file string
	line int
}

// takeOpenELB reads one object.
func (o *lbObjects) takeOpenELB(file string, node *yaml.Node) {
	var d openELBDocument
	if node.Decode(&d) != nil {
		return // reported with the object
	}
	switch d.Kind {
	case "BgpConf":
		if d.Metadata.Name == "default" {
			o.openELB.conf = d
		}
	case "BgpPeer":
		o.openELB.peers = append(o.openELB.peers, openELBPlaced{d, file, node.Line})
	case "Eip":
		if cmp.Or(d.Spec.Protocol, "bgp") != "bgp" {
			return
		}
		o.pools[d.Metadata.Name] = &addressPool{file: file, line: node.Line, addresses: []string{wholeRange(d.Spec.Address)}}
		o.openELB.pools = append(o.openELB.pools, d.Metadata.Name)
		slices.Sort(o.openELB.pools)
	}
}

// wholeRange writes a single address as the prefix that it is.
func wholeRange(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return text
}

// joinOpenELB makes the sessions of OpenELB's objects. The AS of a node's end is that of its rack, and the general one
// where its rack has none: each peer becomes one for each AS, on the nodes that have it. A hold time that is not given is
// GoBGP's 90 s, a keepalive time a third of it.
func (o *lbObjects) joinOpenELB() {
	conf := &o.openELB.conf.Spec
	racks := map[uint32][]string{}
	all := slices.Sorted(maps.Keys(conf.ASPerRack))
	for _, rack := range all {
		racks[conf.ASPerRack[rack]] = append(racks[conf.ASPerRack[rack]], rack)
	}
	for _, d := range o.openELB.peers {
		base := bgpPeer{
			name: d.Metadata.Name, file: d.file, line: d.line, peerASN: d.Spec.Conf.PeerAS, peerAddress: d.Spec.Conf.Address,
			hold: 90, multihop: d.Spec.Multihop.Enabled, listed: true, pools: o.openELB.pools,
		}
		if n, err := strconv.Atoi(d.Spec.Timers.Config.Hold); err == nil {
			base.hold = n
		}
		base.keepalive = base.hold / 3
		if n, err := strconv.Atoi(d.Spec.Timers.Config.Keepalive); err == nil {
			base.keepalive = n
		}
		on := func(asn uint32, operator string, racks []string) {
			s := selector{}
			if d.Spec.Nodes != nil {
				s.MatchLabels, s.MatchExpressions = d.Spec.Nodes.MatchLabels, slices.Clone(d.Spec.Nodes.MatchExpressions)
			}
			s.MatchExpressions = append(s.MatchExpressions, expression{openELBRack, operator, racks})
			p := base
			p.myASN, p.nodeSelectors = asn, []selector{s}
			o.peers = append(o.peers, &p)
		}
		for _, asn := range slices.Sorted(maps.Keys(racks)) {
			on(asn, "In", racks[asn])
		}
		if conf.AS != 0 {
			on(conf.AS, "NotIn", all)
		}
	}
}
