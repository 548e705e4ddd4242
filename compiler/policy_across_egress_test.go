package compiler

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/load"
)

// acrossOutside is added to the neutral site: destinations known by address and by name, each declared by one service, and
// two by name on one port whose callers share a namespace.
const acrossOutside = `
external: {
	bank: {addresses: ["198.51.100.77"], ports: tls: {port: 7443, protocol: "tls"}}
	archive: {addresses: ["198.51.100.78"], ports: pg: {port: 6432, protocol: "tcp"}}
	rates: {hosts: ["rates.example.net"], ports: http: {port: 8081, protocol: "http"}}
	quotes: {hosts: ["quotes.example.net"], ports: http: {port: 8081, protocol: "http"}}
	tides: {hosts: ["tides.example.net"], ports: tls: {port: 7443, protocol: "tls"}}
	syslog: {addresses: ["198.51.100.79"], ports: syslog: {port: 514, protocol: "udp"}}
}
namespaces: {
	shop: services: {
		teller: {ports: http: {port: 8080, protocol: "http"}, egress: ["bank", "syslog"]}
		buyer: {ports: http: {port: 8080, protocol: "http"}, egress: ["rates"]}
		seller: {ports: http: {port: 8080, protocol: "http"}, egress: ["quotes"]}
		clerk: ports: http: {port: 8080, protocol: "http"}
	}
	stock: services: {
		sailor: {ports: http: {port: 8080, protocol: "http"}, egress: ["tides"]}
		keeper: {ports: http: {port: 8080, protocol: "http"}, egress: ["archive"]}
	}
}
`

// acrossOut are the ways out that are open in every kind of mesh: "caller > name or address:port protocol".
var acrossOut = []string{
	"shop/teller > 198.51.100.77:7443 tls",
	"shop/teller > 198.51.100.79:514 udp",
	"shop/buyer > rates.example.net:8081 http",
	"shop/seller > quotes.example.net:8081 http",
	"stock/sailor > tides.example.net:7443 tls",
	"stock/keeper > 198.51.100.78:6432 tcp",
}

// acrossOutDiffers are the ways out that are open in one kind of mesh besides, with the reason; patterns of path.Match.
var acrossOutDiffers = []struct{ kind, question, why string }{
	{"istio-ambient", "shop/[bs]*r > *:8081 http", noNames},
	{"istio-ambient", "stock/sailor > *:7443 tls", noNames},
	{"none", "shop/[bs]*r > *:8081 http", noNames},
	{"none", "stock/sailor > *:7443 tls", noNames},
	{"istio-sidecar", "shop/buyer > quotes.example.net:8081 http", oneNamespace},
	{"istio-sidecar", "shop/seller > rates.example.net:8081 http", oneNamespace},
	{"linkerd", "shop/buyer > quotes.example.net:8081 http", oneNamespace},
	{"linkerd", "shop/seller > rates.example.net:8081 http", oneNamespace},
}

const (
	noNames      = "nobody compares a name with the connection, and the network knows the port alone (ambient-egress-by-name)"
	oneNamespace = "proxies know what their namespace declares, and the network the port alone (egress-name-shared)"
)

// acrossOutCallers are asked besides the services of the site.
var acrossOutCallers = []string{"stranger in shop", "stranger in stock", "shop/buyer with other labels", "shop/clerk with another account"}

// TestPolicyAcrossOutside compiles one site for each kind of mesh and asks its oracle who may leave the cluster, and whereto.
// The answers are the same, but for what the list above gives a reason for.
func TestPolicyAcrossOutside(t *testing.T) {
	used, asked := map[int]bool{}, map[string]bool{}
	for _, kind := range load.Language().Lookup("mesh", "kind").Scalar.Enum {
		t.Run(kind, func(t *testing.T) {
			asked[kind] = true
			text := neutralSite(t, kind, nil) + acrossOutside
			if kind == "linkerd" { // names in TLS are TLSRoutes, and ports of streams TCPRoutes
				text = strings.Replace(text, `channel: "standard"`, `channel: "experimental"`, 1)
			}
			q := inquire(t, text)
			open := map[string]bool{}
			questions := 0
			for question, answer := range q.acrossOutside(t) {
				questions++
				want := slices.Contains(acrossOut, question)
				for i, d := range acrossOutDiffers {
					match, err := path.Match(d.question, question)
					if err != nil {
						t.Fatal(err)
					}
					if match && d.kind == kind && !want {
						want, used[i] = true, true
					}
				}
				if answer.open != want {
					t.Errorf("%s: open is %v, and is %v elsewhere\n%s", question, answer.open, want, answer.by)
				}
				open[question] = answer.open
			}
			for _, question := range acrossOut {
				if _, asked := open[question]; !asked {
					t.Errorf("nobody asks %q", question)
				}
			}
			t.Logf("%d questions", questions)
		})
	}
	for i, d := range acrossOutDiffers {
		if asked[d.kind] && !used[i] {
			t.Errorf("%s: no answer to %q differs", d.kind, d.question)
		}
	}
}

// acrossOutside asks for each destination, by what it is known by, at its port and at another one, and for what no site
// declares.
func (q *inquiry) acrossOutside(t *testing.T) map[string]ruling {
	t.Helper()
	model := q.judge(t)
	out := map[string]ruling{}
	for i := range q.callers {
		a := &q.callers[i]
		if !slices.Contains(acrossOutCallers, a.name) && q.service(a.name) == nil {
			continue
		}
		ask := func(where, host, address string, port int, protocol string) {
			r := policy.Request{Port: uint16(port), UDP: protocol == "udp"}
			if protocol == "http" {
				r.Method, r.Path = "GET", "/"
			}
			v := model.Depart(a.from, policy.Target{Host: host, Address: netip.MustParseAddr(address)}, r)
			out[fmt.Sprintf("%s > %s:%d %s", a.name, where, port, protocol)] = ruling{v.Allowed, steps(v)}
		}
		const somewhere = "192.0.2.44" // whereto names lead
		for _, e := range q.s.External {
			for _, p := range e.Ports {
				for _, h := range e.Hosts {
					ask(h, h, somewhere, p.Port, p.Protocol)
					ask(h, h, somewhere, p.Port+1, p.Protocol)
					ask("not-"+h, "not-"+h, somewhere, p.Port, p.Protocol)
				}
				for _, x := range q.s.External { // at that port, whoever it is
					for _, at := range x.Addresses {
						ask(at, "", at, p.Port, p.Protocol)
						ask(at, "", at, p.Port+1, p.Protocol)
					}
				}
			}
		}
		ask("elsewhere", "other.example.invalid", somewhere, 443, "tls")
		ask("elsewhere", "", somewhere, 443, "tcp")
	}
	return out
}
