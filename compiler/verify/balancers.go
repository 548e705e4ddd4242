package verify

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A machine is the files of one balancer, fabric/<site>/<name>/.
type machine struct {
	name                   string
	files                  map[string]*artifact.File // by path on the machine
	haproxy                *haproxyConf
	keepalived             *keepalivedConf
	haproxyAt, keepaliveAt *artifact.File
}

// A gatewayEnd is what a gateway in the cluster expects of those who lead to its node ports.
type gatewayEnd struct {
	who, namespace string
	ports          map[int64]int64 // node port → port
	targets        map[int64]int64 // node port → port of the pods
	selector       map[string]any  // of the pods of an exposure; nil for a gateway
	local, proxy   bool
}

// Paths on a machine.
const (
	haproxyPath    = "/etc/haproxy/haproxy.cfg"
	keepalivedPath = "/etc/keepalived/keepalived.conf"
	unitPath       = "/etc/systemd/system/haproxy.service.d/meshgen.conf"
	balancerSysctl = "/etc/sysctl.d/90-meshgen.conf"
)

// checkBalancers compares the machines in front of the cluster with each other and with the gateways that they lead to.
func checkBalancers(p *pass) {
	machines := balancersOf(p.tree, p.releases.Site)
	ends := p.gatewayEnds()
	if len(machines) == 0 {
		for _, e := range ends {
			p.missing(ruleBalancers, "%s has fixed node ports, and nobody leads to them", e.who)
		}
		return
	}
	inventory := p.inventory()
	for _, m := range machines {
		if m.haproxy == nil || m.keepalived == nil || m.files[unitPath] == nil || m.files[balancerSysctl] == nil {
			p.missing(ruleBalancers, "balancer %s lacks one of haproxy.cfg, keepalived.conf, the drop-in of HAProxy's unit and sysctl.d", m.name)
			continue
		}
		m.checkFiles(p)
		m.checkAddresses(p, machines)
		m.checkFronts(p, ends, inventory)
	}
}

func balancersOf(t *artifact.Tree, site string) []*machine {
	byName := map[string]*machine{}
	for _, f := range t.Files() {
		parts := strings.SplitN(f.Path(), "/", 4)
		if len(parts) < 4 || parts[0] != "fabric" || parts[1] != site || !strings.HasPrefix(parts[3], "etc/") {
			continue
		}
		m := byName[parts[2]]
		if m == nil {
			m = &machine{name: parts[2], files: map[string]*artifact.File{}}
			byName[m.name] = m
		}
		on := "/" + parts[3]
		m.files[on] = f
		switch on {
		case haproxyPath:
			m.haproxyAt = f
			m.haproxy, _ = parseHAProxy(f.Bytes())
		case keepalivedPath:
			m.keepaliveAt = f
			m.keepalived, _ = parseKeepalived(f.Bytes())
		}
	}
	var out []*machine
	for _, name := range sortedKeys(byName) {
		out = append(out, byName[name])
	}
	return out
}

// checkFiles compares the files of one machine: what HAProxy needs of the kernel and of its unit.
func (m *machine) checkFiles(p *pass) {
	settings, fs := parseSysctl(m.files[balancerSysctl].Bytes())
	for _, s := range append(fs, checkSysctlSet(settings, nil)...) {
		p.report(m.files[balancerSysctl], s.line, ruleSysctl, "%s", s.text)
	}
	value := map[string]string{}
	for _, s := range settings {
		value[s.key] = s.value
	}
	const perConnection, most = 2, 1 << 20 // most: fs.nr_open of Linux
	files := filesOf(m.files[unitPath])
	if files < perConnection*m.haproxy.maxConn {
		p.report(m.files[unitPath], 0, ruleHAProxy, "LimitNOFILE %d is less than two files for each of %d connections: HAProxy would stop to accept", files, m.haproxy.maxConn)
	}
	if files > most && value["fs.nr_open"] == "" {
		p.report(m.files[unitPath], 0, ruleHAProxy, "LimitNOFILE %d is above fs.nr_open, which is not raised", files)
	}
	for _, a := range m.binds() {
		key := "net.ipv4.ip_nonlocal_bind"
		if a.Is6() {
			key = "net.ipv6.ip_nonlocal_bind"
		}
		if value[key] != "1" {
			p.report(m.files[balancerSysctl], 0, ruleBalancers, "HAProxy listens on %s, and without %s = 1 it does not start where another machine has the address", a, key)
		}
	}
}

// binds returns the virtual addresses that HAProxy listens on, sorted.
func (m *machine) binds() []netip.Addr {
	var out []netip.Addr
	for _, x := range m.haproxy.frontends {
		for _, b := range x.binds {
			if !x.http {
				out = append(out, b.Addr())
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// checkAddresses compares who has which address: HAProxy with keepalived, and the machine with the others.
func (m *machine) checkAddresses(p *pass, all []*machine) {
	k := m.keepalived
	vips := slices.Clone(k.vips)
	slices.SortFunc(vips, netip.Addr.Compare)
	if !slices.Equal(vips, m.binds()) {
		p.report(m.keepaliveAt, 0, ruleBalancers, "keepalived carries %v, and HAProxy listens on %v", vips, m.binds())
	}
	var others []netip.Addr
	for _, o := range all {
		if o == m || o.keepalived == nil || o.haproxy == nil {
			continue
		}
		others = append(others, o.keepalived.source)
		switch {
		case o.keepalived.priority == k.priority:
			p.report(m.keepaliveAt, 0, ruleBalancers, "priority %d is also that of balancer %s", k.priority, o.name)
		case o.keepalived.routerID != k.routerID || o.keepalived.password != k.password:
			p.report(m.keepaliveAt, 0, ruleBalancers, "the router ID or the password is not that of balancer %s: both would take the addresses", o.name)
		case !slices.Equal(o.binds(), m.binds()):
			p.report(m.haproxyAt, 0, ruleBalancers, "HAProxy listens on other addresses than on balancer %s", o.name)
		}
	}
	peers := slices.Clone(k.peers)
	slices.SortFunc(peers, netip.Addr.Compare)
	slices.SortFunc(others, netip.Addr.Compare)
	if !slices.Equal(peers, others) {
		p.report(m.keepaliveAt, 0, ruleBalancers, "the peers are %v, and the other machines %v", peers, others)
	}
	for _, name := range sortedKeys(m.haproxy.backends) {
		if b := m.haproxy.backends[name]; k.source.IsValid() && b.source != k.source {
			p.report(m.haproxyAt, b.line, ruleBalancers, "backend %s has source %s, and the machine is %s", name, b.source, k.source)
		}
	}
}

// checkFronts compares both ends of what HAProxy passes on: ports, health checks, the PROXY header, and who is let in.
func (m *machine) checkFronts(p *pass, ends []*gatewayEnd, inv *inventory) {
	served := map[int64]bool{}
	for _, x := range m.haproxy.frontends {
		b := m.haproxy.backends[x.backend]
		if x.http || b == nil || len(b.servers) == 0 {
			continue
		}
		s := b.servers[0]
		node := int64(s.at.Port())
		i := slices.IndexFunc(ends, func(e *gatewayEnd) bool { return e.ports[node] != 0 })
		if i < 0 {
			p.report(m.haproxyAt, s.line, ruleBalancers, "no gateway and no exposure has node port %d", node)
			continue
		}
		served[node] = true
		e := ends[i]
		if slices.ContainsFunc(x.binds, func(a netip.AddrPort) bool { return int64(a.Port()) != e.ports[node] }) {
			p.report(m.haproxyAt, x.line, ruleBalancers, "frontend %s leads to node port %d, which is port %d of %s", x.name, node, e.ports[node], e.who)
		}
		if s.proxy != e.proxy {
			p.report(m.haproxyAt, s.line, ruleBalancers, "PROXY header: sent %v, expected by %s %v", s.proxy, e.who, e.proxy)
		}
		if health := p.healthPort(e); e.local && (health == 0 || int64(s.check) != health) || !e.local && s.check != 0 {
			p.report(m.haproxyAt, s.line, ruleBalancers, "the check goes to port %d, and kube-proxy tells of %s at %d", s.check, e.who, health)
		}
		if e.local && !p.admitted(e.namespace, e.targets[node], b.source) {
			p.report(m.haproxyAt, b.line, ruleBalancers, "no NetworkPolicy of %s admits %s", e.namespace, b.source)
		}
		// A gateway that nothing is exposed by has no policy of its own: the mesh's refuses everybody.
		if clients, admitted := p.clients(e); e.selector == nil && admitted && !slices.Equal(clients, x.allowed) {
			p.report(m.haproxyAt, x.line, ruleBalancers, "frontend %s admits %v, and %s %v", x.name, x.allowed, e.who, clients)
		}
		for _, s := range b.servers {
			if h := inv.hosts[s.name]; h == nil || h.address != s.at.Addr().String() && !s.at.Addr().Is6() {
				p.report(m.haproxyAt, s.line, ruleBalancers, "the inventory has no machine %s at %s", s.name, s.at.Addr())
			}
		}
	}
	for _, e := range ends {
		for node := range e.ports {
			if !served[node] {
				p.report(m.haproxyAt, 0, ruleBalancers, "nothing leads to node port %d of %s", node, e.who)
			}
		}
	}
}

// proxyAnnotation is what makes Istio's proxy expect a PROXY header.
const proxyAnnotation = "proxy.istio.io/config"

// gatewayEnds returns the gateways with fixed node ports: those of the gateway chart, and those that istiod deploys, from
// the ConfigMaps with what it lays over them.
func (p *pass) gatewayEnds() []*gatewayEnd {
	var out []*gatewayEnd
	add := func(who, namespace string, service any, annotations, selector map[string]any) {
		e := &gatewayEnd{who: who, namespace: namespace, ports: map[int64]int64{}, targets: map[int64]int64{}, selector: selector,
			local: str(service, "externalTrafficPolicy") == "Local"}
		for _, port := range list(service, "ports") {
			if n, ok := integer(port, "nodePort"); ok {
				e.ports[n], _ = integer(port, "port")
				e.targets[n] = e.ports[n]
				if t, ok := integer(port, "targetPort"); ok {
					e.targets[n] = t
				}
			}
		}
		config, _ := annotations[proxyAnnotation].(string)
		e.proxy = strings.Contains(strings.ReplaceAll(config, " ", ""), `{"gatewayTopology":{"proxyProtocol":{}}}`)
		if str(service, "type") == "NodePort" {
			out = append(out, e)
		}
	}
	for _, release := range sortedKeys(p.values) {
		if v := p.values[release]; p.releases.Charts[release].Name == "gateway" {
			add(fmt.Sprint(v), p.releases.Charts[release].Namespace, get(v.value, "service"), dict(v.value, "podAnnotations"), nil)
		}
	}
	for _, o := range p.objects {
		if o.within == nil && o.is("", "Service") && !o.partial {
			add(fmt.Sprint(o), o.namespace, get(o.value, "spec"), nil, dict(o.value, "spec", "selector"))
		}
		if o.within == nil || o.key != "service" {
			continue
		}
		var annotations map[string]any
		for _, d := range p.objects {
			if d.within != nil && d.within.namespace == o.within.namespace && d.within.name == o.within.name && d.key == "deployment" {
				annotations = dict(d.value, "spec", "template", "metadata", "annotations")
			}
		}
		add(fmt.Sprint(o.within), o.within.namespace, get(o.value, "spec"), annotations, nil)
	}
	return out
}

// healthPort returns where kube-proxy tells whether a node has a ready pod of a namespace's gateway, or of an exposure.
func (p *pass) healthPort(e *gatewayEnd) int64 {
	for _, o := range p.objects {
		if n, ok := integer(o.value, "spec", "healthCheckNodePort"); ok && o.within == nil && o.kind == "Service" && o.namespace == e.namespace &&
			(e.selector == nil || maps.Equal(texts(e.selector), texts(dict(o.value, "spec", "selector")))) {
			return n
		}
	}
	return 0
}

// admitted reports whether a NetworkPolicy of a namespace lets an address in on a port.
func (p *pass) admitted(namespace string, port int64, from netip.Addr) bool {
	for _, o := range p.objects {
		if o.kind != "NetworkPolicy" || o.namespace != namespace {
			continue
		}
		for _, rule := range list(o.value, "spec", "ingress") {
			onPort := slices.ContainsFunc(list(rule, "ports"), func(v any) bool { n, _ := integer(v, "port"); return n == port })
			if onPort && slices.ContainsFunc(list(rule, "from"), func(v any) bool {
				block, err := netip.ParsePrefix(str(v, "ipBlock", "cidr"))
				return err == nil && block.Contains(from)
			}) {
				return true
			}
		}
	}
	return false
}

// clients returns the prefixes that the AuthorizationPolicy of a gateway's namespace admits: of the PROXY header where
// there is one, else of nobody, because the peer is a balancer. It returns nil where it admits everybody, and admitted is
// false where the namespace has no such policy.
func (p *pass) clients(e *gatewayEnd) (out []string, admitted bool) {
	field := "ipBlocks"
	if e.proxy {
		field = "remoteIpBlocks"
	}
	for _, o := range p.objects {
		if o.kind != "AuthorizationPolicy" || o.namespace != e.namespace {
			continue
		}
		admitted = true
		for _, rule := range list(o.value, "spec", "rules") {
			for _, from := range list(rule, "from") {
				for _, block := range strs(from, "source", field) {
					if !slices.Contains(out, block) {
						out = append(out, block)
					}
				}
			}
		}
	}
	return out, admitted
}
