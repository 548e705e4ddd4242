package verify

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// What BIRD asks for in the configuration of Calico where no object says otherwise (projectcalico/calico v3.31.7
// bird.cfg.template; BIRD 1.6): it takes a shorter hold time of the other end, and a third of it for its keepalive.
const (
	calicoHold    = 240 // seconds
	calicoRestart = 120 // seconds
)

// calicoPods is where Calico's pods run, and the account of those that speak BGP.
const (
	calicoPods    = "calico-system"
	calicoAccount = "calico-node"
)

// calicoRule is one rule of a BGPFilter.
type calicoRule struct {
	Action        string `yaml:"action"`
	MatchOperator string `yaml:"matchOperator"`
	CIDR          string `yaml:"cidr"`
	PrefixLength  *struct {
		Min *int `yaml:"min"`
		Max *int `yaml:"max"`
	} `yaml:"prefixLength"`
	Source    string `yaml:"source"`
	Interface string `yaml:"interface"`
}

type calicoDocument struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Mesh     *bool    `yaml:"nodeToNodeMeshEnabled"`
		ASN      uint32   `yaml:"asNumber"`
		LocalASN uint32   `yaml:"localASNumber"`
		PeerIP   string   `yaml:"peerIP"`
		Nodes    string   `yaml:"nodeSelector"`
		Filters  []string `yaml:"filters"`
		Restart  string   `yaml:"maxRestartTime"`
		Password struct {
			Ref struct {
				Name string `yaml:"name"`
			} `yaml:"secretKeyRef"`
		} `yaml:"password"`
		ExportV4 []calicoRule `yaml:"exportV4"`
		ExportV6 []calicoRule `yaml:"exportV6"`
		ImportV4 []calicoRule `yaml:"importV4"`
		ImportV6 []calicoRule `yaml:"importV6"`
	} `yaml:"spec"`
}

type calicoPlaced struct {
	calicoDocument
	file string
	line int
}

// calicoObjects are Calico's objects until all have been read: they refer to each other.
type calicoObjects struct {
	conf    *calicoPlaced
	peers   []*calicoPlaced
	filters map[string]*calicoPlaced
}

// takeCalico reads one object.
func (o *lbObjects) takeCalico(file string, node *yaml.Node) {
	var d calicoDocument
	if node.Decode(&d) != nil {
		return // reported with the object
	}
	placed := &calicoPlaced{d, file, node.Line}
	switch d.Kind {
	case "BGPConfiguration":
		o.calico.conf = placed
	case "BGPPeer":
		o.calico.peers = append(o.calico.peers, placed)
	case "BGPFilter":
		if o.calico.filters == nil {
			o.calico.filters = map[string]*calicoPlaced{}
		}
		o.calico.filters[d.Metadata.Name] = placed
	}
}

// joinCalico makes the sessions of Calico's objects.
func (o *lbObjects) joinCalico() {
	for _, d := range o.calico.peers {
		p := &bgpPeer{name: d.Metadata.Name, file: d.file, line: d.line, listed: true, follows: true,
			peerASN: d.Spec.ASN, peerAddress: d.Spec.PeerIP, hold: calicoHold, passwordSecret: d.Spec.Password.Ref.Name,
			restarts: true, restartSeconds: calicoRestart, myASN: d.Spec.LocalASN}
		if c := o.calico.conf; c != nil && p.myASN == 0 {
			p.myASN = c.Spec.ASN
		}
		if t, err := time.ParseDuration(d.Spec.Restart); err == nil {
			p.restartSeconds = int(t / time.Second)
			p.restarts, p.restartsEnd = t > 0, t == 0
		}
		// A selector of another form selects nothing here, and the switch waits in vain.
		key, value, ok := strings.Cut(d.Spec.Nodes, " == ")
		p.nodeSelectors = []selector{{MatchLabels: map[string]string{key: strings.Trim(value, "'")}}}
		if !ok {
			p.nodeSelectors[0].MatchLabels = map[string]string{"": "nothing"}
		}
		o.calicoRanges(p, d)
		o.peers = append(o.peers, p)
	}
}

// calicoRanges works out which lengths of which network leave by a peer: what no rule of its filters rejects is for Calico,
// which announces the blocks of the node.
func (o *lbObjects) calicoRanges(p *bgpPeer, d *calicoPlaced) {
	fault := func(format string) {
		o.bad = append(o.bad, SessionFault{rulePrefixes, d.file, d.line, "BGPPeer " + d.Metadata.Name + " " + format})
	}
	var export, imported []calicoRule
	six := familyOf(p.peerAddress) == "ipv6"
	for _, name := range d.Spec.Filters {
		f := o.calico.filters[name]
		switch {
		case f == nil:
			fault("names BGPFilter " + name + ", which is not there: without it all that Calico knows leaves")
			return
		case six:
			export, imported = append(export, f.Spec.ExportV6...), append(imported, f.Spec.ImportV6...)
		default:
			export, imported = append(export, f.Spec.ExportV4...), append(imported, f.Spec.ImportV4...)
		}
	}
	if len(imported) != 1 || imported[0].Action != "Reject" || imported[0].CIDR != "" || imported[0].Source != "" || imported[0].Interface != "" {
		fault("takes routes of the switch, and would hand them on to the other")
		return
	}
	var network netip.Prefix
	for _, r := range export {
		if n, err := netip.ParsePrefix(r.CIDR); err == nil && r.Action == "Reject" && r.MatchOperator == "NotIn" && r.PrefixLength == nil {
			network = n
		}
	}
	if !network.IsValid() {
		fault("has no filter that keeps to one network: anything that Calico knows of its pools leaves")
		return
	}
	var left []int
	for length := network.Bits(); length <= network.Addr().BitLen(); length++ {
		if !slices.ContainsFunc(export, func(r calicoRule) bool { return r.rejects(network, length) }) {
			left = append(left, length)
		}
	}
	if len(left) != 1 {
		fault("announces ranges of more lengths than one, or of none")
		return
	}
	p.pods, p.podNetwork, p.podLength = true, network, left[0]
}

// rejects reports whether the rule takes out all routes of a length inside a network.
func (r *calicoRule) rejects(network netip.Prefix, length int) bool {
	n, err := netip.ParsePrefix(r.CIDR)
	if err != nil || r.Action != "Reject" || r.MatchOperator != "In" || r.Source != "" || r.Interface != "" || n.Bits() > network.Bits() || !n.Contains(network.Addr()) {
		return false
	}
	return r.PrefixLength == nil ||
		(r.PrefixLength.Min == nil || length >= *r.PrefixLength.Min) && (r.PrefixLength.Max == nil || length <= *r.PrefixLength.Max)
}

// checkCalicoRanges holds what nodes announce against what a switch takes of them.
func (s *sessionSet) checkCalicoRanges() {
	for i := range s.pairs {
		a, b := &s.pairs[i].A, &s.pairs[i].B
		if a.podLength == 0 {
			continue
		}
		taken, ok := s.podRanges[b.Device][a.Family]
		if ok && (taken.length != a.podLength || !isEmpty(subtract(prefixSet(a.podNetwork), taken.set)) || !isEmpty(subtract(taken.set, prefixSet(a.podNetwork)))) {
			s.fault(rulePrefixes, a, "%s announces ranges of length /%d inside %s, and %s takes those of length /%d inside %s (%s)",
				a.Device, a.podLength, a.podNetwork, b.Device, taken.length, printSet(taken.set), taken.end.place())
			return
		}
	}
}

// checkCalicoRouting looks at what the sessions rely on besides: one configuration that turns off those among nodes, no
// address that is borrowed, and the right to read the password.
func (p *pass) checkCalicoRouting() {
	var peers, conf, ipam *object
	for _, o := range p.objects {
		switch {
		case o.is(calicoGroup, "BGPPeer"):
			peers = o
			name := str(o.value, "spec", "password", "secretKeyRef", "name")
			if name != "" && !p.readsSecret(calicoPods, calicoAccount, name) {
				o.report(p, ruleReference, fieldPath{"spec", "password"}, "no Role lets the account %s/%s read Secret %s", calicoPods, calicoAccount, name)
			}
		case o.is(calicoGroup, "BGPConfiguration"):
			conf = o
		case o.is(calicoGroup, "IPAMConfiguration"):
			ipam = o
		}
	}
	if peers == nil {
		return
	}
	if conf == nil || conf.name != "default" || get(conf.value, "spec", "nodeToNodeMeshEnabled") != false {
		peers.report(p, ruleReference, fieldPath{"spec"}, "no BGPConfiguration default turns off the sessions of each node with all others")
	}
	bounded := func(o *object) bool {
		most, _ := get(o.value, "spec", "maxBlocksPerHost").(int64)
		return o.name == "default" && get(o.value, "spec", "strictAffinity") == true && most > 0
	}
	if ipam == nil || !bounded(ipam) {
		peers.report(p, ruleReference, fieldPath{"spec"}, "no IPAMConfiguration default bounds the blocks of a node and keeps it to them: a borrowed address is a route that no switch takes")
	}
}

// checkCalicoElsewhere: pods of other sites see the addresses of those here, which Calico leaves as they are on the way to a pool
// that it knows. It gives no address out of these, and tells no switch that they are here.
func (p *pass) checkCalicoElsewhere() {
	pools := map[string]*object{}
	announces := false
	for _, o := range p.objects {
		switch {
		case o.is(calicoGroup, "BGPPeer"):
			announces = true
		case o.is(calicoGroup, "IPPool") && get(o.value, "spec", "disabled") == true:
			pools[str(o.value, "spec", "cidr")] = o
		}
	}
	if !announces {
		return
	}
	known := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.releases.PeerPods)) {
		for _, c := range p.releases.PeerPods[name] {
			known[c] = true
			if pools[c] == nil {
				p.missing(ruleLinkerd, "what goes to pods of site %s, %s, would have the address of a node: no disabled IPPool is that network", name, c)
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(pools)) {
		o := pools[c]
		switch {
		case !known[c]:
			o.report(p, ruleReference, fieldPath{"spec", "cidr"}, "%s is no network of pods at another site", c)
		case get(o.value, "spec", "disableBGPExport") != true:
			o.report(p, ruleReference, fieldPath{"spec"}, "a route into it that the node has would be announced from here")
		case get(o.value, "spec", "natOutgoing") == true || str(o.value, "spec", "ipipMode") != "Never" || str(o.value, "spec", "vxlanMode") != "Never":
			o.report(p, ruleReference, fieldPath{"spec"}, "what goes there would be translated, or go through a tunnel that ends nowhere")
		}
	}
}

// readsSecret reports whether a Role of the tree lets an account read a Secret by name.
func (p *pass) readsSecret(namespace, account, secret string) bool {
	for _, b := range p.objects {
		if !b.is("rbac.authorization.k8s.io", "RoleBinding") || b.namespace != namespace {
			continue
		}
		bound := slices.ContainsFunc(list(b.value, "subjects"), func(s any) bool {
			return str(s, "kind") == "ServiceAccount" && str(s, "name") == account && str(s, "namespace") == namespace
		})
		role := p.find("rbac.authorization.k8s.io", "Role", namespace, str(b.value, "roleRef", "name"))
		if !bound || role == nil || str(b.value, "roleRef", "kind") != "Role" {
			continue
		}
		for _, r := range list(role.value, "rules") {
			if slices.Contains(strs(r, "resources"), "secrets") && slices.Contains(strs(r, "resourceNames"), secret) &&
				slices.Contains(strs(r, "verbs"), "get") && slices.Contains(strs(r, "verbs"), "list") && slices.Contains(strs(r, "verbs"), "watch") {
				return true
			}
		}
	}
	return false
}
