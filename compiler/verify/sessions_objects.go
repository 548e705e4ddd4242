package verify

import (
	"bytes"
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"go4.org/netipx"

	"meshgen.dev/meshgen/compiler/artifact"
)

// lbObjects are the objects of the cluster that make its BGP sessions.
type lbObjects struct {
	peers    []*bgpPeer
	bfd      map[string]*bfdTimers
	pools    map[string]*addressPool
	adverts  []*advertisement
	nodes    []*nodeObject
	bad      []SessionFault // values that no program would read
	poolSets map[string]*netipx.IPSet
	cilium   ciliumObjects
	openELB  openELBObjects
	calico   calicoObjects
}

// A nodeObject is a Node.
type nodeObject struct {
	name   string
	labels map[string]string

	sources []string // fixed source addresses
}

// A bgpPeer is a BGPPeer of MetalLB (metallb.io/v1beta2), or what stands for one.
type bgpPeer struct {
	name, file                        string
	line                              int
	myASN, peerASN                    uint32 // peerASN 0: dynamicASN external
	peerAddress, iface, sourceAddress string
	hold, keepalive                   int // seconds
	bfdProfile, passwordSecret        string
	multihop, restarts, restartsEnd   bool
	restartSeconds                    int        // 0: not said
	nodeSelectors                     []selector // none: all nodes

	follows bool // it takes a hold time of the switch that is shorter than its own, and a third of it for its keepalive

	listed bool     // pools and pods say what it announces
	pools  []string // sorted
	pods   bool

	podNetwork netip.Prefix // with pods, where the objects say it: that they are of
	podLength  int          // and their length; 0 where they do not
}

// An addressPool is an IPAddressPool.
type addressPool struct {
	file      string
	line      int
	addresses []string
	labels    map[string]string
}

// An advertisement is a BGPAdvertisement. Empty lists select everything.
type advertisement struct {
	name, file           string
	line                 int
	pools, peers         []string
	nodeSelectors, byTag []selector // byTag: ipAddressPoolSelectors
	lengthV4, lengthV6   int        // aggregation; 32 and 128 by default
}

// A selector is a label selector.
type selector struct {
	MatchLabels      map[string]string `yaml:"matchLabels"`
	MatchExpressions []expression      `yaml:"matchExpressions"`
}

// An expression is one requirement of a selector.
type expression struct {
	Key      string   `yaml:"key"`
	Operator string   `yaml:"operator"`
	Values   []string `yaml:"values"`
}

// matches reports whether all requirements hold for the labels.
func (s *selector) matches(labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		v, has := labels[e.Key]
		in := has && slices.Contains(e.Values, v)
		switch e.Operator {
		case "In":
			if !in {
				return false
			}
		case "NotIn":
			if in {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// selects reports whether any selector matches, or there is none.
func selects(selectors []selector, labels map[string]string) bool {
	return len(selectors) == 0 || slices.ContainsFunc(selectors, func(s selector) bool { return s.matches(labels) })
}

// lbDocument is the union of what is read of the kinds.
type lbDocument struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name   string            `yaml:"name"`
		Labels map[string]string `yaml:"labels"`

		Annotations map[string]string `yaml:"annotations"`
	} `yaml:"metadata"`
	Spec struct {
		MyASN            uint32     `yaml:"myASN"`
		PeerASN          uint32     `yaml:"peerASN"`
		DynamicASN       string     `yaml:"dynamicASN"`
		PeerAddress      string     `yaml:"peerAddress"`
		Interface        string     `yaml:"interface"`
		SourceAddress    string     `yaml:"sourceAddress"`
		HoldTime         string     `yaml:"holdTime"`
		KeepaliveTime    string     `yaml:"keepaliveTime"`
		BFDProfile       string     `yaml:"bfdProfile"`
		EBGPMultiHop     bool       `yaml:"ebgpMultiHop"`
		GracefulRestart  bool       `yaml:"enableGracefulRestart"`
		NodeSelectors    []selector `yaml:"nodeSelectors"`
		ReceiveInterval  int        `yaml:"receiveInterval"`
		TransmitInterval int        `yaml:"transmitInterval"`
		DetectMultiplier int        `yaml:"detectMultiplier"`
		Addresses        []string   `yaml:"addresses"`
		Pools            []string   `yaml:"ipAddressPools"`
		PoolSelectors    []selector `yaml:"ipAddressPoolSelectors"`
		Peers            []string   `yaml:"peers"`
		Length           int        `yaml:"aggregationLength"`
		LengthV6         int        `yaml:"aggregationLengthV6"`
		PasswordSecret   struct {
			Name string `yaml:"name"`
		} `yaml:"passwordSecret"`
	} `yaml:"spec"`
}

// sessionKinds are the kinds that are read, as their line stands in a file; other files are not parsed.
var sessionKinds = []string{"kind: BGPPeer\n", "kind: BFDProfile\n", "kind: IPAddressPool\n", "kind: BGPAdvertisement\n", "kind: Node\n", "kind: DaemonSet\n",
	"kind: CiliumBGPClusterConfig\n", "kind: CiliumBGPPeerConfig\n", "kind: CiliumBGPAdvertisement\n", "kind: CiliumLoadBalancerIPPool\n",
	"kind: BGPConfiguration\n", "kind: BGPFilter\n", "kind: BgpConf\n", "kind: BgpPeer\n", "kind: Eip\n"}

func newLBObjects() *lbObjects {
	return &lbObjects{bfd: map[string]*bfdTimers{}, pools: map[string]*addressPool{}, poolSets: map[string]*netipx.IPSet{}}
}

// parseLBObjects reads the objects of a site's overlay. What is no YAML is left to the reader of all objects.
func parseLBObjects(t *artifact.Tree, site string) *lbObjects {
	o := newLBObjects()
	for _, f := range t.Files() {
		data := f.Bytes()
		if !inOverlay(f.Path(), site) || !slices.ContainsFunc(sessionKinds, func(k string) bool { return bytes.Contains(data, []byte(k)) }) {
			continue
		}
		for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
			var doc yaml.Node
			if dec.Decode(&doc) != nil || len(doc.Content) == 0 {
				break
			}
			o.take(f.Path(), doc.Content[0])
		}
	}
	o.joinCilium()
	o.joinCalico()
	o.joinOpenELB()
	return o
}

// balancerObjects are those of the site, read once.
func (p *pass) balancerObjects() *lbObjects {
	if p.balancer == nil {
		p.balancer = lbObjectsOf(p.objects, p.releases.Site)
	}
	return p.balancer
}

// lbObjectsOf takes the objects of a site's overlay from what has been read already.
func lbObjectsOf(all []*object, site string) *lbObjects {
	o := newLBObjects()
	for _, obj := range all {
		if obj.within == nil && inOverlay(obj.file.Path(), site) && slices.Contains(sessionKinds, "kind: "+obj.kind+"\n") {
			o.take(obj.file.Path(), obj.node)
		}
	}
	o.joinCilium()
	o.joinCalico()
	o.joinOpenELB()
	return o
}

func inOverlay(path, site string) bool {
	return strings.HasPrefix(path, "kubernetes/overlays/"+site+"/") && strings.HasSuffix(path, ".yaml")
}

// take reads one object. A value of another type than the schema's is reported with the object; the rest is read.
func (o *lbObjects) take(file string, node *yaml.Node) {
	var d lbDocument
	var wrong *yaml.TypeError
	if err := node.Decode(&d); err != nil && !errors.As(err, &wrong) {
		return
	}
	line := node.Line
	s := &d.Spec
	switch d.Kind {
	case "Node":
		o.nodes = append(o.nodes, &nodeObject{d.Metadata.Name, d.Metadata.Labels, strings.Fields(d.Metadata.Annotations[egressAnnotation])})
	case "DaemonSet":
		o.takeKubeVIP(file, node)
	case "BGPConfiguration", "BGPFilter":
		o.takeCalico(file, node)
	case "BGPPeer":
		if strings.HasPrefix(d.APIVersion, calicoGroup+"/") {
			o.takeCalico(file, node)
			return
		}
		p := &bgpPeer{
			name: d.Metadata.Name, file: file, line: line, myASN: s.MyASN, peerASN: s.PeerASN,
			peerAddress: s.PeerAddress, iface: s.Interface, sourceAddress: s.SourceAddress,
			bfdProfile: s.BFDProfile, passwordSecret: s.PasswordSecret.Name, multihop: s.EBGPMultiHop, restarts: s.GracefulRestart, nodeSelectors: s.NodeSelectors,
		}
		p.hold, p.keepalive = o.seconds(p, s.HoldTime), o.seconds(p, s.KeepaliveTime)
		if s.KeepaliveTime == "" {
			p.keepalive = p.hold / 3 // parseTimers in MetalLB's internal/config
		}
		if s.DynamicASN == "internal" {
			p.peerASN = p.myASN
		}
		o.peers = append(o.peers, p)
	case "CiliumBGPClusterConfig", "CiliumBGPPeerConfig", "CiliumBGPAdvertisement", "CiliumLoadBalancerIPPool":
		o.takeCilium(file, node)
	case "BgpConf", "BgpPeer", "Eip":
		o.takeOpenELB(file, node)
	case "BFDProfile":
		// The defaults are those of the CRD, in FRR.
		o.bfd[d.Metadata.Name] = &bfdTimers{cmp.Or(s.TransmitInterval, 300), cmp.Or(s.ReceiveInterval, 300), cmp.Or(s.DetectMultiplier, 3), line}
	case "IPAddressPool":
		o.pools[d.Metadata.Name] = &addressPool{file, line, s.Addresses, d.Metadata.Labels}
	case "BGPAdvertisement":
		o.adverts = append(o.adverts, &advertisement{
			name: d.Metadata.Name, file: file, line: line, pools: s.Pools, peers: s.Peers,
			nodeSelectors: s.NodeSelectors, byTag: s.PoolSelectors,
			lengthV4: cmp.Or(s.Length, 32), lengthV6: cmp.Or(s.LengthV6, 128),
		})
	}
}

// seconds reads a duration of whole seconds; "" is 0.
func (o *lbObjects) seconds(p *bgpPeer, text string) int {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		o.bad = append(o.bad, SessionFault{ruleSessions, p.file, p.line, "BGPPeer " + p.name + ": " + text + " is not a whole number of seconds"})
		return 0
	}
	return int(d / time.Second)
}

// bfdOf is the timers of a profile as an End has them.
func (o *lbObjects) bfdOf(profile string) string {
	if profile == "" {
		return (*bfdTimers)(nil).String()
	}
	if b := o.bfd[profile]; b != nil {
		return b.String()
	}
	return "of the unknown profile " + profile
}

// announced are the names of the pools that a node announces to a peer, sorted.
func (o *lbObjects) announced(p *bgpPeer, n *nodeObject) []string {
	if p.listed {
		return p.pools
	}
	names := map[string]bool{}
	for _, a := range o.adverts {
		if len(a.peers) > 0 && !slices.Contains(a.peers, p.name) || !selects(a.nodeSelectors, n.labels) {
			continue
		}
		for name, pool := range o.pools {
			byName := slices.Contains(a.pools, name)
			byTag := len(a.byTag) > 0 && selects(a.byTag, pool.labels)
			if byName || byTag || len(a.pools) == 0 && len(a.byTag) == 0 {
				names[name] = true
			}
		}
	}
	return sortedKeys(names)
}

// poolSet are the addresses of pools, as MetalLB reads them: prefixes, and ranges "first-last".
func (o *lbObjects) poolSet(names []string) *netipx.IPSet {
	key := strings.Join(names, " ")
	if s := o.poolSets[key]; s != nil {
		return s
	}
	var b netipx.IPSetBuilder
	for _, name := range names {
		for _, a := range o.pools[name].addresses {
			if strings.Contains(a, "-") {
				if r, err := netipx.ParseIPRange(strings.ReplaceAll(a, " ", "")); err == nil {
					b.AddRange(r)
				}
			} else if p, err := netip.ParsePrefix(a); err == nil {
				b.AddPrefix(p)
			}
		}
	}
	s := mustSet(&b)
	o.poolSets[key] = s
	return s
}
