package compiler

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// TestPolicyFlatSites asks the trees of two sites whose pods reach each other about every call between them: policies of the
// network at the caller for the way out and at the callee for the way in, and the callee's proxy for who it is that asks. Open
// is what both sites declare, and nothing else.
func TestPolicyFlatSites(t *testing.T) {
	names := []string{"mmx1", "mmx2"}
	for i, name := range names {
		here, there := newInquiry(t, name), newInquiry(t, names[1-i])
		wrong, out, in := flatCalls(t, here, there)
		for _, w := range wrong {
			t.Error(name, w)
		}
		if out == 0 || in == 0 {
			t.Errorf("%s: %d calls out are open and %d in: one kind is missing", name, out, in)
		}
		ask := func(broken *inquiry, t *testing.T) ([]string, int, int) { return flatCalls(t, broken, there) }
		oracle(ask).notices(t, here, []mutant{
			{"linkerd", name, "**/40-policy/meshtlsauthentication.yaml", `(?s)(-away\n.*?)- \w+\.shop\.serviceaccount`, `${1}- stranger.shop.serviceaccount`},
			{"linkerd", name, "**/40-policy/meshtlsauthentication.yaml", `(?s)(-away\n.*?linkerd\.)mmx\d`, `${1}mmx3`},
			{"networkpolicy", name, "**/40-policy/networkpolicy.yaml", `(?s)(# from pods of site.*?cidr: )\S+`, `${1}198.18.0.0/15`},
			{"networkpolicy", name, "**/40-policy/networkpolicy.yaml", `(?s)(# to pods of site.*?port: )8080`, `${1}8081`},
		})
	}
}

// flatCalls asks for every call of one site at the other, and for every call of the other here.
func flatCalls(t *testing.T, here, there *inquiry) (wrong []string, out, in int) {
	t.Helper()
	l, err := policy.ReadLinkerd(here.tree, "charts/"+here.plan.Name+"/linkerd-control-plane/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := here.read(here.tree); err != nil {
		t.Fatal(err)
	}
	pod := netip.MustParsePrefix(there.s.Kubernetes.PodCIDRs[0]).Addr().Next()
	stranger := netip.MustParseAddr("192.0.2.1")
	for _, w := range there.world.Workloads[:there.own] {
		far := there.s.Name + ":" + w.Namespace + "/" + w.Name
		for k := range here.world.Workloads[:here.own] {
			own := &here.world.Workloads[k]
			s := here.service(own.Namespace + "/" + own.Name)
			if s == nil || there.service(w.Namespace+"/"+w.Name) == nil {
				continue
			}
			for _, port := range w.Ports { // the way out
				for _, to := range []netip.Addr{pod, stranger} {
					want := to == pod && slices.ContainsFunc(s.Calls, func(c string) bool {
						peer, rest, away := strings.Cut(c, ":")
						ns, sn, _ := strings.Cut(rest, "/")
						if !away || peer != there.s.Name {
							return false
						}
						for _, p := range there.s.Namespaces[ns].Services[sn].Ports {
							if int(port.Target) == cmp.Or(p.TargetPort, p.Port) {
								return true
							}
						}
						return false
					})
					if got := here.model.Sends(own, to, port.Target); got != want {
						wrong = append(wrong, fmt.Sprintf("%s/%s to %s of %s, port %d: open is %v, declared %v", own.Namespace, own.Name, to, far, port.Target, got, want))
					}
					if want {
						out++
					}
				}
			}
			for _, port := range own.Ports { // the way in
				for _, like := range []struct {
					account, domain string
					from            netip.Addr
				}{{w.ServiceAccount, there.s.Mesh.TrustDomain, pod}, {"stranger", there.s.Mesh.TrustDomain, pod}, {w.ServiceAccount, "third.example.net", pod}, {w.ServiceAccount, there.s.Mesh.TrustDomain, stranger}, {"", "", pod}} {
					for _, ask := range []struct{ method, path string }{{"", ""}, {"GET", "/orders"}, {"POST", "/orders"}, {"GET", "/ordersx"}} {
						if (ask.method == "") == (port.Protocol == "http") {
							continue
						}
						want := false
						for _, a := range s.Allow {
							want = want || like.account == w.ServiceAccount && like.domain == there.s.Mesh.TrustDomain && like.from == pod &&
								slices.Contains(a.From, far) && (ask.method == "" || asked(a, ask.method, ask.path))
						}
						r := policy.LinkerdRequest{Address: like.from, Port: port.Target, Method: ask.method, Path: ask.path, Host: own.Name + "." + own.Namespace}
						if like.account != "" {
							r.Identity = like.account + "." + w.Namespace + ".serviceaccount.identity.linkerd." + like.domain
						}
						admits, by := l.Admits(own, r)
						if got := admits && here.model.Takes(own, like.from, port.Target); got != want {
							wrong = append(wrong, fmt.Sprintf("%s as %q of %q from %s to %s/%s:%d %v: open is %v by %s, declared %v", far, like.account, like.domain, like.from, own.Namespace, own.Name, port.Target, ask, got, by, want))
						}
						if want {
							in++
						}
					}
				}
			}
		}
	}
	return wrong, out, in
}
