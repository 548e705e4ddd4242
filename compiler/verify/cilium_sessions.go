package verify

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// ciliumDocument is the union of what is read of Cilium's kinds.
type ciliumDocument struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name   string            `yaml:"name"`
		Labels map[string]string `yaml:"labels"`
	} `yaml:"metadata"`
	Spec struct {
		NodeSelector *selector `yaml:"nodeSelector"`
		Instances    []struct {
			ASN       uint32 `yaml:"localASN"`
			LocalPort int    `yaml:"localPort"`
			Peers     []struct {
				Name    string `yaml:"name"`
				Address string `yaml:"peerAddress"`
				ASN     uint32 `yaml:"peerASN"`
				Config  struct {
					Name string `yaml:"name"`
				} `yaml:"peerConfigRef"`
			} `yaml:"peers"`
		} `yaml:"bgpInstances"`

		Secret string `yaml:"authSecretRef"`
		Timers struct {
			Hold      int `yaml:"holdTimeSeconds"`
			Keepalive int `yaml:"keepAliveTimeSeconds"`
		} `yaml:"timers"`
		Restart struct {
			Enabled bool `yaml:"enabled"`
			Seconds int  `yaml:"restartTimeSeconds"`
		} `yaml:"gracefulRestart"`
		Multihop int `yaml:"ebgpMultihop"`
		Families []struct {
			AFI    string    `yaml:"afi"`
			SAFI   string    `yaml:"safi"`
			Routes *selector `yaml:"advertisements"`
		} `yaml:"families"`

		Advertisements []struct {
			Type    string `yaml:"advertisementType"`
			Service struct {
				Addresses []string `yaml:"addresses"`
				LengthV4  int      `yaml:"aggregationLengthIPv4"`
				LengthV6  int      `yaml:"aggregationLengthIPv6"`
			} `yaml:"service"`
			Selector *selector `yaml:"selector"`
		} `yaml:"advertisements"`

		Blocks []struct {
			CIDR  string `yaml:"cidr"`
			Start string `yaml:"start"`
			Stop  string `yaml:"stop"`
		} `yaml:"blocks"`
		Services *selector `yaml:"serviceSelector"`
	} `yaml:"spec"`
}

// ciliumObjects are Cilium's objects until all have been read: they refer to each other.
type ciliumObjects struct {
	clusters []*ciliumPlaced
	peers    map[string]*ciliumDocument
	adverts  []*ciliumPlaced
	pools    map[string]*selector // by name: the Services that they serve
}

type ciliumPlaced struct {
	ciliumDocument
	file string
	line int
}

// takeCilium reads one object.
func (o *lbObjects) takeCilium(file string, node *yaml.Node) {
	var d ciliumDocument
	if node.Decode(&d) != nil {
		return // reported with the object
	}
	c := &o.cilium
	switch name := d.Metadata.Name; d.Kind {
	case "CiliumBGPClusterConfig":
		c.clusters = append(c.clusters, &ciliumPlaced{d, file, node.Line})
	case "CiliumBGPPeerConfig":
		if c.peers == nil {
			c.peers = map[string]*ciliumDocument{}
		}
		c.peers[name] = &d
	case "CiliumBGPAdvertisement":
		c.adverts = append(c.adverts, &ciliumPlaced{d, file, node.Line})
	case "CiliumLoadBalancerIPPool":
		if c.pools == nil {
			c.pools = map[string]*selector{}
		}
		c.pools[name] = d.Spec.Services
		p := &addressPool{file: file, line: node.Line, labels: d.Metadata.Labels}
		for _, b := range d.Spec.Blocks {
			p.addresses = append(p.addresses, cmp.Or(b.CIDR, b.Start+"-"+cmp.Or(b.Stop, b.Start)))
		}
		o.pools[name] = p
	}
}

// joinCilium makes the sessions of Cilium's objects: each peer of each configuration, with the timers, the password and
// the routes of the peer configuration that it names. What is not given is the CRD's default.
func (o *lbObjects) joinCilium() {
	for _, cl := range o.cilium.clusters {
		for _, instance := range cl.Spec.Instances {
			for _, peer := range instance.Peers {
				p := &bgpPeer{
					name: cl.Metadata.Name + "/" + peer.Name, file: cl.file, line: cl.line, listed: true,
					myASN: instance.ASN, peerASN: peer.ASN, peerAddress: peer.Address, hold: 90, keepalive: 30,
				}
				if cl.Spec.NodeSelector != nil {
					p.nodeSelectors = []selector{*cl.Spec.NodeSelector}
				}
				if conf := o.cilium.peers[peer.Config.Name]; conf != nil {
					p.hold, p.keepalive = cmp.Or(conf.Spec.Timers.Hold, 90), cmp.Or(conf.Spec.Timers.Keepalive, 30)
					p.passwordSecret, p.multihop = conf.Spec.Secret, conf.Spec.Multihop > 1
					if r := conf.Spec.Restart; r.Enabled {
						p.restarts, p.restartSeconds = true, cmp.Or(r.Seconds, 120)
					}
					o.ciliumRoutes(p, conf)
				}
				o.peers = append(o.peers, p)
			}
		}
	}
	for _, a := range o.cilium.adverts {
		for _, ad := range a.Spec.Advertisements {
			if s := ad.Service; s.LengthV4 != 0 || s.LengthV6 != 0 {
				o.adverts = append(o.adverts, &advertisement{name: a.Metadata.Name, file: a.file, line: a.line,
					pools: []string{a.Metadata.Name}, peers: []string{"nobody"}, lengthV4: cmp.Or(s.LengthV4, 32), lengthV6: cmp.Or(s.LengthV6, 128)})
			}
		}
	}
}

// ciliumRoutes adds what a peer configuration announces: without advertisements that a family selects nothing is.
func (o *lbObjects) ciliumRoutes(p *bgpPeer, conf *ciliumDocument) {
	for _, f := range conf.Spec.Families {
		if f.AFI != familyOf(p.peerAddress) || f.SAFI != "unicast" || f.Routes == nil {
			continue
		}
		for _, a := range o.cilium.adverts {
			if !f.Routes.matches(a.Metadata.Labels) {
				continue
			}
			for _, ad := range a.Spec.Advertisements {
				switch ad.Type {
				case "PodCIDR":
					p.pods = true
				case "Service":
					if !slices.Contains(ad.Service.Addresses, "LoadBalancerIP") {
						continue
					}
					for _, name := range sortedKeys(o.cilium.pools) {
						if meet(ad.Selector, o.cilium.pools[name]) && !slices.Contains(p.pools, name) {
							p.pools = append(p.pools, name)
						}
					}
				}
			}
		}
	}
	slices.Sort(p.pools)
}

// serviceNamespace is what Cilium adds to the labels of a Service before it holds a selector against them.
const serviceNamespace = "io.kubernetes.service.namespace"

// namespacesOf returns the namespaces that a selector of Services names; nil where it goes by something else.
func namespacesOf(s *selector) []string {
	if s == nil || len(s.MatchLabels) > 0 || len(s.MatchExpressions) != 1 {
		return nil
	}
	if e := s.MatchExpressions[0]; e.Key == serviceNamespace && e.Operator == "In" {
		return e.Values
	}
	return nil
}

// meet reports whether a Service of a pool may be selected by an advertisement.
func meet(advert, pool *selector) bool {
	return slices.ContainsFunc(namespacesOf(advert), func(n string) bool { return slices.Contains(namespacesOf(pool), n) })
}
