package verify

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

const (
	ruleHAProxy    = "MG9241" // haproxy.cfg, and the drop-in of its unit
	ruleKeepalived = "MG9242" // keepalived.conf
	ruleBalancers  = "MG9243" // the machines among each other, and against the gateways
)

// A haproxyConf is a haproxy.cfg.
type haproxyConf struct {
	maxConn   int
	timeouts  map[string]int // seconds, by name
	frontends []*haproxyFront
	backends  map[string]*haproxyBack
}

// A haproxyFront is a frontend section.
type haproxyFront struct {
	name, backend string
	line, maxConn int
	http, rejects bool
	binds         []netip.AddrPort
	allowed       []string // prefixes of the list of clients; nil where there is none
}

// A haproxyBack is a backend section.
type haproxyBack struct {
	line      int
	source    netip.Addr
	asksProxy bool // httpchk on kube-proxy's path, status 200 expected
	asked     int  // of its three statements
	servers   []haproxyServer
}

// A haproxyServer is a server line.
type haproxyServer struct {
	name  string
	at    netip.AddrPort
	check uint16 // port; 0: that of at
	proxy bool   // send-proxy-v2
	line  int
}

// haproxyStatements are the statements that meshgen has use for, by section. Source: HAProxy 2.6 configuration manual;
// haproxy -c of 2.6.12 reads each of them in the tests.
var haproxyStatements = map[string]*regexp.Regexp{
	"global": regexp.MustCompile(`^(log /dev/log local[0-7]|user haproxy|group haproxy|maxconn [1-9]\d{0,8}|hard-stop-after [1-9]\d*s|` +
		`stats socket /run/haproxy/admin\.sock user haproxy group haproxy mode 660 level admin expose-fd listeners)$`),
	"defaults": regexp.MustCompile(`^(mode tcp|log global|option (tcplog|dontlognull|srvtcpka)|option redispatch \d+|balance leastconn|retries \d|` +
		`timeout (connect|check|client|server) [1-9]\d*s|srvtcpka-(idle|intvl) [1-9]\d*s|srvtcpka-cnt [1-9]\d?|` +
		`default-server inter [1-9]\d*s fall [1-9]\d? rise [1-9]\d? tcp-ut [1-9]\d*s)$`),
	"frontend": regexp.MustCompile(`^(bind \S+|maxconn [1-9]\d{0,8}|acl allowed src( [0-9a-f.:]+/\d+)+|tcp-request connection reject unless allowed|` +
		`default_backend [a-z0-9-]+|mode http|option httplog|option dontlog-normal|http-request use-service prometheus-exporter if { path /metrics }|stats enable|stats uri /)$`),
	"backend": regexp.MustCompile(`^(source [0-9a-f.:]+|option httpchk|http-check send meth GET uri /healthz|http-check expect status 200|` +
		`server [a-z0-9.-]+ \S+ check( port [1-9]\d{0,4})?( send-proxy-v2)?)$`),
}

var haproxyHead = regexp.MustCompile(`^(global|defaults|(frontend|backend) ([a-z0-9-]+))$`)

// parseHAProxy reads a haproxy.cfg.
func parseHAProxy(data []byte) (*haproxyConf, faults) {
	var fs faults
	c := &haproxyConf{timeouts: map[string]int{}, backends: map[string]*haproxyBack{}}
	section, seen := "", map[string]bool{}
	var front *haproxyFront
	var back *haproxyBack
	scanLines(data, &fs, func(n int, line string) {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#':
		case line[0] != ' ':
			m := haproxyHead.FindStringSubmatch(line)
			if m == nil || seen[line] {
				fs.add(n, "no section of its own: %q", line)
				section = ""
				return
			}
			seen[line] = true
			section, front, back = strings.Fields(line)[0], nil, nil
			switch m[2] {
			case "frontend":
				front = &haproxyFront{name: m[3], line: n}
				c.frontends = append(c.frontends, front)
			case "backend":
				back = &haproxyBack{line: n}
				c.backends[m[3]] = back
			}
		case haproxyStatements[section] == nil || !haproxyStatements[section].MatchString(text):
			fs.add(n, "no statement of a %s section: %q", section, text)
		default:
			c.statement(n, section, strings.Fields(text), front, back, &fs)
		}
	})
	return c, fs
}

func (c *haproxyConf) statement(n int, section string, w []string, front *haproxyFront, back *haproxyBack, fs *faults) {
	switch section + " " + w[0] {
	case "global maxconn":
		c.maxConn, _ = strconv.Atoi(w[1])
	case "defaults timeout":
		c.timeouts[w[1]], _ = strconv.Atoi(strings.TrimSuffix(w[2], "s"))
	case "frontend mode":
		front.http = true
	case "frontend bind":
		at, err := netip.ParseAddrPort(w[1])
		if err != nil || at.Port() == 0 {
			fs.add(n, "%q is no address with a port", w[1])
		}
		front.binds = append(front.binds, at)
	case "frontend maxconn":
		front.maxConn, _ = strconv.Atoi(w[1])
	case "frontend acl":
		front.allowed = w[3:]
	case "frontend tcp-request":
		front.rejects = true
	case "frontend default_backend":
		front.backend = w[1]
	case "backend source":
		a, err := netip.ParseAddr(w[1])
		if err != nil {
			fs.add(n, "%q is no address", w[1])
		}
		back.source = a
	case "backend option", "backend http-check":
		back.asked++
		back.asksProxy = back.asked == 3
	case "backend server":
		s := haproxyServer{name: w[1], line: n, proxy: w[len(w)-1] == "send-proxy-v2"}
		var err error
		if s.at, err = netip.ParseAddrPort(w[2]); err != nil {
			fs.add(n, "%q is no address with a port", w[2])
		}
		if len(w) > 5 && w[4] == "port" {
			port, _ := strconv.ParseUint(w[5], 10, 16)
			s.check = uint16(port)
		}
		back.servers = append(back.servers, s)
	}
}

// meshIdle is how long Envoy leaves a connection without traffic, in seconds: its own default, which Istio keeps.
const meshIdle = 3600

func checkHAProxyFile(f *artifact.File) faults {
	c, fs := parseHAProxy(f.Bytes())
	for _, name := range []string{"connect", "check", "client", "server"} {
		if c.timeouts[name] == 0 {
			fs.add(0, "no timeout %s: HAProxy would wait for ever", name)
		}
	}
	for _, name := range []string{"client", "server"} {
		if c.timeouts[name] < meshIdle {
			fs.add(0, "timeout %s is %d s, shorter than the %d s after which a gateway ends an idle connection", name, c.timeouts[name], meshIdle)
		}
	}
	sum := 0
	at := map[netip.AddrPort]string{}
	for _, x := range c.frontends {
		sum += x.maxConn
		for _, b := range x.binds {
			if at[b] != "" {
				fs.add(x.line, "frontends %s and %s listen on %s", at[b], x.name, b)
			}
			at[b] = x.name
		}
		switch {
		case x.http:
			if slices.ContainsFunc(x.binds, func(b netip.AddrPort) bool { return !b.Addr().IsLoopback() }) {
				fs.add(x.line, "the statistics are not on the loopback alone")
			}
		case x.maxConn == 0:
			fs.add(x.line, "frontend %s has no maxconn", x.name)
		case c.backends[x.backend] == nil:
			fs.add(x.line, "frontend %s leads to backend %q, which is not there", x.name, x.backend)
		case x.rejects != (x.allowed != nil):
			fs.add(x.line, "frontend %s has a list of clients and does not use it, or uses one that it does not have", x.name)
		}
	}
	if c.maxConn < sum {
		fs.add(0, "maxconn %d is less than the %d of all frontends: one takes another's", c.maxConn, sum)
	}
	for _, name := range sortedKeys(c.backends) {
		c.backends[name].check(name, &fs)
	}
	return fs
}

func (b *haproxyBack) check(name string, fs *faults) {
	if len(b.servers) == 0 || !b.source.IsValid() {
		fs.add(b.line, "backend %s has no server, or no source", name)
		return
	}
	names := map[string]bool{}
	for _, s := range b.servers {
		if names[s.name] {
			fs.add(s.line, "server %s stands twice", s.name)
		}
		names[s.name] = true
		o := b.servers[0]
		if s.at.Port() != o.at.Port() || s.check != o.check || s.proxy != o.proxy {
			fs.add(s.line, "server %s has another port, check or header than %s", s.name, o.name)
		}
		if (s.check != 0) != b.asksProxy || b.asked != 0 && b.asked != 3 {
			fs.add(s.line, "server %s is checked at a port of its own if and only if kube-proxy is asked there", s.name)
		}
	}
}

// unitLimit is the one drop-in of HAProxy's unit.
var unitLimit = regexp.MustCompile(`(?m)\A(?:#.*\n)+\[Service\]\nLimitNOFILE=([1-9]\d{0,9})\n\z`)

// filesOf returns the files that the drop-in gives to HAProxy, 0 where it is no such drop-in.
func filesOf(f *artifact.File) int {
	m := unitLimit.FindSubmatch(f.Bytes())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

func checkUnitLimit(f *artifact.File) faults {
	var fs faults
	scanLines(f.Bytes(), &fs, func(int, string) {})
	if filesOf(f) == 0 {
		fs.add(0, "no drop-in that sets LimitNOFILE and nothing else")
	}
	return fs
}
