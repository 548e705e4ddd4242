package flows

import (
	"encoding/csv"
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// What stands in a cell comes back from a reader of CSV as it was, and a bar splits no cell of the document.
func TestCells(t *testing.T) {
	why := `listener "a", b | c`
	tree := artifact.NewTree()
	emit(&ir.Plan{Name: "one", Flows: []ir.Flow{{
		Area: ir.EdgeArea, Protocol: "tcp", Port: 443, Why: why, Via: []string{"n1", "n2"},
		From: ir.FlowEnd{Name: "clients", Anybody: true}, Origin: ir.From{"gateways.a"}, Reads: ir.From{"gateways"},
		To: ir.FlowEnd{Name: "gateway a", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/64")}},
	}}}, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(tree.Lookup("fabric/one/flows.csv").Bytes()))).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatal(records, err)
	}
	want := []string{"edge", "clients", "any", "gateway a", "192.0.2.1 2001:db8::/64", "tcp", "443", "n1 n2", why, "", "gateways.a"}
	for i, w := range want {
		if records[1][i] != w {
			t.Errorf("%s: %q, want %q", records[0][i], records[1][i], w)
		}
	}
	if text := string(tree.Lookup("fabric/one/flows.md").Bytes()); !strings.Contains(text, `listener "a", b \| c |`) {
		t.Errorf("%s", text)
	}
}
