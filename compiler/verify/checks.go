package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// The rules of checks/.
const (
	ruleChecks    = "MG9801"
	ruleRunScript = "MG9802"
)

// checksVersion is the only one that this reader knows.
const checksVersion = 1

// expectedState is checks/<site>.json, as a consumer reads it.
type expectedState struct {
	Comment       string           `json:"comment"`
	ChecksVersion int              `json:"checksVersion"`
	Site          string           `json:"site"`
	Guard         []string         `json:"guard"`
	PodRanges     []expectedRange  `json:"podRanges"`
	VIPs          []expectedVIP    `json:"vips"`
	Switches      []expectedSwitch `json:"switches"`
	Settings      []struct {
		Sources []struct {
			Name, Address string
			Fellow        bool
		}
		Sysctls map[string]string
	} `json:"settings"`
	Hosts     []expectedHosts `json:"hosts"`
	Announcer string          `json:"announcer"`
	Proxy     string          `json:"proxy"`
	Gateways  []struct {
		Name, Namespace, Service, Selector, Class, Config string
		Replicas                                          int
		Racks, Addresses                                  []string
	} `json:"gateways"`
	Services      []struct{ Namespace, Name, Selector string }        `json:"services"`
	Configuration []struct{ Namespace, ConfigMap, Key, Value string } `json:"configuration"`
	Marks         []serviceMark                                       `json:"marks"`
	Egress        []expectedEgress                                    `json:"egress"`
	Encryption    *expectedEncryption                                 `json:"encryption"`
	Proves        *expectedProof                                      `json:"authentication"`
	Objects       []expectedObjects                                   `json:"objects"`

	file *artifact.File
}

type expectedEncryption struct {
	Kind, Mode, Label, DaemonSet string
	Namespaces                   []string
}

type expectedProof struct {
	Namespace, DaemonSet, StatefulSet string
}

type expectedRange struct {
	Prefix string `json:"prefix"`
	Length int    `json:"length"`
}

type expectedVIP struct {
	Address, Pool, Protocol, Gateway, Exposure string
	Local                                      bool
}

type expectedSwitch struct {
	Name, Role, Rack, OS string
	ASN                  uint32
	Paths                []struct {
		Pool, Family string
		All          int
	}
	Sessions []struct {
		Peer, Address, Interface, Local string
		ASN                             uint32
		Families                        []string
		BFD                             bool
	}
}

type expectedHosts struct {
	Name, Rack, Class, OS, Daemon, MaxOffset string
	Nodes                                    []string
	Settings                                 int // place in the list of that name; -1 for none
}

type expectedObjects struct {
	Kind, Namespace string
	Names           []string
}

// readChecks is the verifier of checks/<site>.json. What it promises is compared once the whole tree is read.
func readChecks(f *artifact.File, p *pass) {
	s := &expectedState{file: f}
	d := json.NewDecoder(bytes.NewReader(f.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		p.report(f, 0, ruleChecks, "not the JSON of an expected state: %v", err)
		return
	}
	if s.Site != p.releases.Site || s.Site+".json" != path.Base(f.Path()) || s.ChecksVersion != checksVersion {
		p.report(f, 0, ruleChecks, "it is for site %q, in version %d", s.Site, s.ChecksVersion)
		return
	}
	p.expected = s
}

// checkExpected holds the expected state against the files that bring it about.
func checkExpected(p *pass) {
	if p.expected == nil {
		return
	}
	p.expectedSessions()
	p.expectedPaths()
	p.expectedGuard()
	p.expectedVIPs()
	p.expectedHosts()
	p.expectedGateways()
	p.expectedObjects()
	p.expectedConfiguration()
	p.expectedEgress()
	p.expectedEncryption()
	p.expectedProof()
}

func (p *pass) unexpected(format string, args ...any) {
	p.report(p.expected.file, 0, ruleChecks, format, args...)
}

// differ reports what one of two lists has and the other has not.
func (p *pass) differ(what string, have, want []string) {
	count := map[string]int{}
	for _, h := range have {
		count[h]++
	}
	for _, w := range want {
		count[w]--
	}
	for _, k := range sortedKeys(count) {
		switch n := count[k]; {
		case n > 0:
			p.unexpected("%s: it expects %s, which nothing in the tree brings about", what, k)
		case n < 0:
			p.unexpected("%s: it does not expect %s, which the tree brings about", what, k)
		}
	}
}

// switchEnds are the ends of sessions at switches, each with the other end.
func (p *pass) switchEnds(visit func(here, there *End)) {
	for i := range p.sessions {
		s := &p.sessions[i]
		if s.A.conf != nil {
			visit(&s.A, &s.B)
		}
		if s.B.conf != nil {
			visit(&s.B, &s.A)
		}
	}
}

// expectedSessions compares the sessions with those that the switches' files have, the nodes' ends included.
func (p *pass) expectedSessions() {
	var have, want []string
	text := func(device string, asn uint32, peer, at, local string, peerASN uint32, families []string, bfd bool) string {
		return fmt.Sprintf("session of %s (AS %d, %s) with %s (%s, AS %d) for %s, BFD %t", device, asn, local, peer, at, peerASN, strings.Join(families, " "), bfd)
	}
	for _, sw := range p.expected.Switches {
		if !p.hasSwitchFile(sw.Name) {
			p.unexpected("switch %s has no file", sw.Name)
		}
		for _, s := range sw.Sessions {
			have = append(have, text(sw.Name, sw.ASN, s.Peer, s.Address+s.Interface, s.Local, s.ASN, s.Families, s.BFD))
		}
	}
	p.switchEnds(func(here, there *End) {
		at, local := here.PeerAddress, ""
		if strings.HasPrefix(at, "@") {
			at = "" // the site does not say which interface
		}
		if there.conf == nil {
			local = there.PeerAddress
		}
		want = append(want, text(here.Device, here.LocalASN, there.Device, at, local, there.LocalASN, familiesOf(here), here.BFD != "none"))
	})
	for _, e := range p.links {
		at := e.PeerAddress
		if strings.HasPrefix(at, "@") {
			at = ""
		}
		want = append(want, text(e.Device, e.LocalASN, e.peerHint, at, "", e.PeerASN, familiesOf(e), e.BFD != "none"))
	}
	p.differ("sessions", have, want)
}

func (p *pass) hasSwitchFile(hostname string) bool {
	for _, ext := range []string{".conf", ".eos", ".nxos", ".sonic"} {
		if p.tree.Lookup("fabric/"+p.releases.Site+"/"+hostname+ext) != nil {
			return true
		}
	}
	return false
}

// expectedGuard compares the guarded ranges with the lists of that name in each switch's file.
func (p *pass) expectedGuard() {
	seen := map[*switchConf]bool{}
	p.switchEnds(func(here, _ *End) {
		c := here.conf
		if seen[c] {
			return
		}
		seen[c] = true
		var guard []string
		for _, name := range sortedKeys(c.lists) {
			if !strings.HasSuffix(name, "_GUARD") && !strings.HasSuffix(name, "_GUARD_V6") {
				continue
			}
			for _, e := range c.lists[name].entries {
				guard = append(guard, e.prefix.String())
			}
		}
		if len(guard) == 0 {
			return // it has sessions with nodes alone
		}
		slices.Sort(guard)
		// A switch has lists for the families of its sessions.
		have := slices.Sorted(slices.Values(p.expected.Guard))
		have = slices.DeleteFunc(have, func(s string) bool {
			return !slices.ContainsFunc(guard, func(g string) bool { return strings.Contains(g, ":") == strings.Contains(s, ":") })
		})
		if !slices.Equal(have, guard) {
			p.unexpected("guard: %v, and the file of %s guards %v", have, c.hostname, guard)
		}
	})
}

// expectedVIPs compares the virtual addresses with those that Services ask for.
func (p *pass) expectedVIPs() {
	asked := map[string]bool{}
	ask := func(text string) {
		for a := range strings.SplitSeq(text, ",") {
			asked[strings.TrimSpace(a)] = true
		}
	}
	p.everywhere(func(_ place, _ fieldPath, _ string, v any) {
		text, _ := v.(string)
		ask(text)
	}, "metallb.io/loadBalancerIPs", ciliumAnnotation)
	notes := p.meshGatewayNotes()
	for _, key := range []string{"metallb.io/loadBalancerIPs", ciliumAnnotation} {
		if text := str(notes, key); text != "" {
			ask(text)
		}
	}
	if len(asked) == 0 {
		return // the load balancer takes them from elsewhere
	}
	for _, v := range p.expected.VIPs {
		if !asked[v.Address] {
			p.unexpected("virtual address %s: no Service asks for it", v.Address)
		}
		delete(asked, v.Address)
	}
	for _, a := range sortedKeys(asked) {
		p.unexpected("virtual address %s: a Service asks for it, and nothing is expected of it", a)
	}
}

// expectedGateways: where the Services of a namespace are the tree's own, the one that is asked for addresses is such a one.
func (p *pass) expectedGateways() {
	for _, g := range p.expected.Gateways {
		own := 0
		for _, o := range p.objects {
			if o.is("", "Service") && o.namespace == g.Namespace && str(o.value, "spec", "type") == "LoadBalancer" {
				own++
			}
		}
		if s := p.find("", "Service", g.Namespace, g.Service); own > 0 && len(g.Addresses) > 0 && (s == nil || str(s.value, "spec", "type") != "LoadBalancer") {
			p.unexpected("gateway %s: Service %s/%s has no address", g.Name, g.Namespace, g.Service)
		}
		if o := p.find("gateway.networking.k8s.io", "Gateway", g.Namespace, g.Name); o != nil {
			if c := str(o.value, "spec", "gatewayClassName"); g.Config != "" && g.Config != c || g.Config == "" && p.find(consulGroup, "GatewayClassConfig", "", c) != nil {
				p.unexpected("gateway %s: its pods are made by GatewayClassConfig %q, and not by %q", g.Name, c, g.Config)
			}
		}
	}
}

// expectedObjects compares the load balancer's objects with those of its phase.
func (p *pass) expectedObjects() {
	var have, want []string
	for _, o := range p.expected.Objects {
		for _, name := range o.Names {
			have = append(have, strings.Join([]string{o.Kind, o.Namespace, name}, " "))
		}
	}
	for _, o := range p.objects {
		if o.within != nil || !strings.HasPrefix(o.file.Path(), "kubernetes/overlays/"+p.releases.Site+"/10-load-balancer/") {
			continue
		}
		kind := o.kind
		if o.group != "" {
			kind += "." + o.version + "." + o.group
		}
		want = append(want, strings.Join([]string{kind, o.namespace, o.name}, " "))
	}
	p.differ("objects", have, want)
}
