package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// TestPolicyLinkedSites asks the gateway between linked sites: callers of another site, with each method, path and host. Open
// is what a service admits by the name of the caller, and nothing to anybody else; streams are refused to all of them.
func TestPolicyLinkedSites(t *testing.T) {
	ask := oracle((*inquiry).askBetween)
	for _, name := range []string{"umu1", "umu2"} {
		q := newInquiry(t, name)
		ask.agrees(t, name, q)
		ask.notices(t, q, []mutant{
			{"linkerd", name, "**/40-policy/meshtlsauthentication.yaml", `- (api.payments|web.shop).serviceaccount`, "- '*'\n    - ${1}.serviceaccount"},
			{"linkerd", name, "**/40-policy/httproute.yaml", `(name: (?:orders-shop-2|api-payments-1)\n(?s:.*?)hostnames:\n +- )\S+`, "${1}nobody.shop.svc.cluster.local"},
			{"linkerd", name, "**/40-policy/server.yaml", `(?s)(port: 4143.*?)accessPolicy: deny`, `${1}accessPolicy: all-authenticated`},
		})
	}
}

// askBetween compares the gateway's answers with what services admit of other sites.
func (q *inquiry) askBetween(t *testing.T) (wrong []string, open, closed int) {
	t.Helper()
	l, err := policy.ReadLinkerd(q.tree, "charts/"+q.plan.Name+"/linkerd-control-plane/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	door := &policy.Workload{Namespace: "linkerd-multicluster", ServiceAccount: "linkerd-gateway", Labels: map[string]string{"app": "linkerd-gateway"}}
	callers := []string{"api.payments", "web.shop", "orders.shop", "controller-" + q.plan.Name + ".linkerd-multicluster", "linkerd-gateway.linkerd-multicluster"}
	for nn, n := range q.s.Namespaces {
		for sn := range n.Services {
			for _, who := range callers {
				for peer, p := range q.s.Federation.Peers {
					for _, method := range []string{"", "GET", "POST"} { // "": a stream
						for _, path := range []string{"/", "/orders", "/orders/1", "/ordersx"} {
							want := false
							for _, a := range n.Services[sn].Allow {
								named := slices.ContainsFunc(a.From, func(c string) bool {
									rest, ours := strings.CutPrefix(c, peer+":")
									ns, s, _ := strings.Cut(rest, "/")
									return ours && s+"."+ns == who
								})
								want = want || method != "" && named && asked(a, method, path)
							}
							got, by := l.Admits(door, policy.LinkerdRequest{Identity: who + ".serviceaccount.identity.linkerd." + p.TrustDomain, Address: netip.MustParseAddr("192.0.2.1"),
								Port: 4143, Method: method, Path: path, Host: sn + "." + nn + ".svc.cluster.local:80"})
							if got != want {
								wrong = append(wrong, fmt.Sprintf("%s to %s/%s %q %s: open is %v by %s, declared %v", who, nn, sn, method, path, got, by, want))
							}
							if want {
								open++
							} else {
								closed++
							}
						}
					}
				}
			}
		}
	}
	return wrong, open, closed
}

// asked reports whether an entry of allow admits a request, whoever makes it.
func asked(a site.Allow, method, path string) bool {
	if len(a.Methods) > 0 && !slices.Contains(a.Methods, method) {
		return false
	}
	return len(a.Paths) == 0 || slices.ContainsFunc(a.Paths, func(m site.PathMatch) bool {
		return path == m.Exact || m.Prefix != "" && (path == m.Prefix || strings.HasPrefix(path, strings.TrimSuffix(m.Prefix, "/")+"/"))
	})
}

// linked reports whether the gateway between linked sites, whose identity all callers of other sites have at a service,
// may ask for something there.
func (q *inquiry) linked(w *policy.Workload, callee string, c call) bool {
	return w.Namespace == "linkerd-multicluster" && slices.ContainsFunc(q.service(callee).Allow, func(a site.Allow) bool {
		return slices.ContainsFunc(a.From, func(from string) bool { return strings.Contains(from, ":") }) && asked(a, c.method, c.path)
	})
}
