package compiler

import (
	"path/filepath"
	"strings"
	"testing"
)

// An intermediate that somebody makes by hand is watched by what the mesh's authority says of it, and one of cert-manager's by
// what that says.
func TestLinkerdIssuerIsWatched(t *testing.T) {
	const renewed = `, certManagerIssuer: "linkerd-trust-anchor"`
	text := read(t, filepath.Join(examplesDir, "cell-0417", "site.cue"))
	if strings.Count(text, renewed) != 1 {
		t.Fatalf("examples/cell-0417 has no %q, or two", renewed)
	}
	for _, c := range []struct{ text, expr, missing string }{
		{text, `certmanager_certificate_expiration_timestamp_seconds{name="linkerd-identity-issuer"} - time() < 1296000`, "absent(certmanager_certificate_expiration_timestamp_seconds)"},
		{strings.Replace(text, renewed, "", 1), `issuer_cert_ttl_seconds{namespace="linkerd"} < 5184000`, "absent(issuer_cert_ttl_seconds)"},
	} {
		tree := compileText(t, "cell-0417.cue", c.text).Tree
		rules := ""
		for _, group := range []string{"certificates", "metrics"} {
			rules += string(tree.Lookup("observability/cell-0417/" + group + ".rules.yaml").Bytes())
		}
		for _, expr := range []string{c.expr, c.missing} {
			if !strings.Contains(rules, "expr: "+expr+"\n") {
				t.Errorf("no alert by %s", expr)
			}
		}
	}
}
