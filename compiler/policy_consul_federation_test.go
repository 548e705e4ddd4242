package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// TestPolicyPeers asks intentions for callers of another site, with each method and path. Open is what a service admits by
// the name of the caller and of its site; a caller of this site with such a name gets nothing by it.
func TestPolicyPeers(t *testing.T) {
	ask := oracle((*inquiry).askPeers)
	for _, name := range []string{"got1", "got2"} {
		q := newInquiry(t, name)
		ask.agrees(t, name, q)
		ask.notices(t, q, []mutant{
			{"consul", name, "**/40-policy/serviceintentions.yaml", `\n +peer: got.`, ""},
			{"consul", name, "**/40-policy/serviceintentions.yaml", `name: \S+(\n +peer)`, `name: ledger${1}`},
			{"consul", name, "**/45-enforcement/serviceintentions.yaml", `action: deny`, `action: allow`},
		})
	}
}

func (q *inquiry) askPeers(t *testing.T) (wrong []string, open, closed int) {
	t.Helper()
	mesh, err := policy.ReadConsul(q.tree, "charts/"+q.plan.Name+"/consul/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for nn, n := range q.s.Namespaces {
		for sn, s := range n.Services {
			for _, who := range []string{"payments/api", "shop/web", "shop/orders", "payments/ledger"} {
				for peer := range q.s.Federation.Peers {
					for _, method := range []string{"GET", "POST"} {
						for _, path := range []string{"/", "/orders", "/orders/1", "/ordersx"} {
							want := false
							for _, a := range s.Allow {
								want = want || slices.Contains(a.From, peer+":"+who) && asked(a, method, path)
							}
							_, caller, _ := strings.Cut(who, "/")
							got, by := mesh.Admits(policy.ConsulRequest{From: caller, Peer: peer, To: sn, Method: method, Path: path})
							if got != want {
								wrong = append(wrong, fmt.Sprintf("%s:%s to %s/%s %s %s: open is %v by %s, declared %v", peer, who, nn, sn, method, path, got, by, want))
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
