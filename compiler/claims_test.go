package compiler

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"meshgen.dev/meshgen/compiler/verify"
)

// A reader is a real program that a test gives emitted files to.
type reader struct {
	program string   // and what it does with them
	test    string   // "file TestName", the file from the top of the module
	globs   []string // of verifiers, whose files it reads all
	files   []string // patterns of path.Match, where it reads some
}

// readers are the real programs. What is in none of them is read by the grammars and schemas of compiler/verify alone.
var readers = []reader{
	{program: "chronyd -p", test: "compiler/real_test.go TestRealChrony", globs: []string{"hosts/*/*/etc/chrony/chrony.conf", "hosts/*/*/etc/chrony.conf"}},
	{program: "chronyd with three honest sources and one that lies", test: "compiler/live_chrony_test.go TestLiveChrony",
		globs: []string{"hosts/*/*/etc/chrony/chrony.conf", "hosts/*/*/etc/chrony.conf"}},
	{program: "chronyd of a site that is cut off", test: "compiler/live_orphan_test.go TestLiveOrphans", files: []string{"hosts/ulm1/*/etc/chrony/chrony.conf"}},
	{program: "NTPsec's ntpd with honest sources and one that lies", test: "compiler/live_ntpsec_test.go TestLiveNTPsec", globs: []string{"hosts/*/*/etc/ntpsec/ntp.conf"}},
	{program: "NTPsec's ntpd of a site that is cut off", test: "compiler/live_ntpsec_orphan_test.go TestLiveNTPsecOrphans", files: []string{"hosts/bre1/*/etc/ntpsec/ntp.conf"}},
	{program: "systemd-modules-load and Linux 6.1", test: "compiler/live_kernel_test.go TestKernel",
		globs: []string{"hosts/*/*/etc/modules-load.d/*.conf", "hosts/*/*/etc/modprobe.d/*.conf"}},
	{program: "systemd-sysctl --strict and Linux 6.1", test: "compiler/live_kernel_test.go TestKernel", globs: []string{"hosts/*/*/etc/sysctl.d/*.conf"}},
	{program: "cloud-init schema", test: "compiler/real_hosts_test.go TestRealCloudInit", globs: []string{"hosts/*/*/cloud-init.yaml"}},
	{program: "Ignition's own parser", test: "compiler/real_hosts_test.go TestIgnition", globs: []string{"hosts/*/*/ignition.json"}},
	{program: "ansible-playbook --syntax-check", test: "compiler/real_hosts_test.go TestRealAnsible", globs: []string{"hosts/*/playbook.yaml", "hosts/*/inventory.yaml"}},
	{program: "haproxy -c", test: "compiler/real_haproxy_test.go TestRealHAProxy", globs: []string{haproxyFiles}},
	{program: "HAProxy before nodes that fail their checks", test: "compiler/live_haproxy_test.go TestLiveHAProxy",
		files: []string{"fabric/zrh1/lb1/etc/haproxy/haproxy.cfg"}},
	{program: "nft -c", test: "compiler/real_firewall_test.go TestRealFirewall", globs: []string{"hosts/*/*/etc/meshgen/firewall.nft"}},
	{program: "nftables of this kernel, with connections that it takes and drops", test: "compiler/real_firewall_test.go TestLiveFirewall", globs: []string{"hosts/*/*/etc/meshgen/firewall.nft"}},
	{program: "nftables of this kernel, beside a masquerade that comes later or earlier", test: "compiler/live_egress_test.go TestLiveEgress", files: []string{"hosts/kos1/*/etc/meshgen/egress.nft"}},
	{program: "kubectl kustomize, over the Services that it marks", test: "compiler/service_marks_test.go TestServiceComponents", globs: []string{"kubernetes/overlays/*/services/*/kustomization.yaml"}},
	{program: "systemd-analyze verify, shellcheck", test: "compiler/real_cards_test.go TestRealCards", globs: []string{cardsGlob, cardsUnitGlob}},
	{program: "the shell, and queues of this kernel", test: "compiler/real_cards_test.go TestLiveCards", files: []string{"hosts/rz1/*/etc/meshgen/cards.sh"}},
	{program: "keepalived -t", test: "compiler/real_haproxy_test.go TestRealKeepalived", globs: []string{keepalivedFiles}},
	{program: "vtysh -C", test: "compiler/real_test.go TestRealFRR", globs: []string{"fabric/*/*.conf", "fabric/*/*.sonic"}},
	{program: "FRR in live sessions", test: "compiler/live_bgp_test.go TestLivePair",
		files: []string{"fabric/fra1/fra1-r1-tor-?.conf", "fabric/fra1/fra1-spine-1.conf"}},
	{program: "FRR in live sessions", test: "compiler/live_bgp_test.go TestLiveNumbered",
		files: []string{"fabric/muc1/muc1-south-sw.conf", "fabric/muc1/muc1-spine-1.conf"}},
	{program: "FRR in live sessions", test: "compiler/live_fabric_test.go TestLiveDualStack",
		files: []string{"fabric/nue1/nue1-west-?.sonic", "fabric/nue1/nue1-spine-1.sonic"}},
	{program: "FRR in live sessions", test: "compiler/live_openelb_test.go TestLiveOpenELB", files: []string{"fabric/osl1/osl1-north-?.conf"}},
	{program: "bash, with kubectl kustomize, as Helm runs it", test: "compiler/patches_test.go TestPatchProgram",
		globs: []string{"charts/*/post-renderer/meshgen-patch/*", "charts/*/*/patches/kustomization.yaml"}},
	{program: "FRR in live sessions", test: "compiler/live_kubevip_test.go TestLiveKubeVIPUnnumbered", files: []string{"fabric/fmo1/fmo1-yard-sw.conf"}},
	{program: "kustomize, kubectl kustomize", test: "compiler/real_test.go TestRealKustomize",
		globs: []string{"kubernetes/**/kustomization.yaml", "kubernetes/**/*.yaml", "charts/*/*/kustomization.yaml", "charts/*/*/release.yaml"}},
	{program: "kube-apiserver, strict server-side apply", test: "compiler/realapi/golden_test.go TestGoldenTrees",
		globs: []string{"kubernetes/**/*.yaml", "gitops/*/**/*.yaml"}},
	{program: "bash -n, shellcheck", test: "compiler/install_test.go TestRealShellcheck", globs: []string{"charts/*/install.sh", "charts/*/upgrade.sh"}},
	{program: "the shell and jq before a running fabric of FRR", test: "compiler/live_checks_test.go TestLiveChecks", globs: []string{"checks/run.sh"}},
	{program: "sh -n, shellcheck", test: "compiler/live_checks_test.go TestRealRunScript", globs: []string{"checks/run.sh"}},
	{program: "bash, with recorders in place of kubectl and helm", test: "compiler/install_test.go TestGoldenCalls", globs: []string{"charts/*/install.sh"}},
	{program: "bash, with recorders in place of kubectl and helm", test: "compiler/upgrade_test.go TestUpgradeScript", globs: []string{"charts/*/upgrade.sh"}},
	{program: "bash -n and kubectl, the commands", test: "compiler/documents_test.go TestRealCommands", globs: []string{"docs/*/*.md"}},
	{program: "Chromium, narrow and wide, light and dark", test: "compiler/real_page_test.go TestRealPage", globs: []string{"docs/*/index.html", "docs/*/topology.svg"}},
	{program: "promtool check rules, and unit tests of each alert of fra1", test: "compiler/alerts_test.go TestRealPromtoolCheck",
		files: []string{"kubernetes/overlays/*/50-observability/prometheusrule.yaml"}},
}

// grammarOnly are the formats whose program nobody may hand out.
var grammarOnly = map[string]string{
	"fabric/*/*.eos":        "grammar only: EOS is not to be had freely",
	"fabric/*/*.nxos":       "grammar only: NX-OS is not to be had freely",
	"fabric/*/*.sonic.json": "schema only: CONFIG_DB is read by a switch alone",
}

// reads reports whether the reader gets the file of a path, which a verifier claims by a glob.
func (r reader) reads(p, glob string) bool {
	return slices.Contains(r.globs, glob) || slices.ContainsFunc(r.files, func(pattern string) bool {
		ok, _ := path.Match(pattern, p)
		return ok
	})
}

// TestGoldenReaders holds the table of verify/README.md against what is emitted: each path by its verifier, how many files of the
// examples it claims, and which real program reads how many of them. MESHGEN_UPDATE=1 rewrites it.
func TestGoldenReaders(t *testing.T) {
	type row struct {
		verifier string
		files    int
		readers  map[string]int // program → files
	}
	rows := map[string]*row{}
	used := make([]int, len(readers))
	counts := map[string]int{} // by verifier, as the trees were verified
	for _, name := range exampleNames(t) {
		out := compileExample(t, name)
		for _, c := range out.Verified.Counts {
			counts[c.Verifier] += c.Files
		}
		for _, f := range out.Tree.Files() {
			verifier, glob := verify.Claimed(f.Path())
			if glob == "" {
				t.Errorf("no verifier claims %s", f.Path())
				continue
			}
			if rows[glob] == nil {
				rows[glob] = &row{verifier: verifier, readers: map[string]int{}}
			}
			rows[glob].files++
			counts[verifier]--
			for i, r := range readers {
				if r.reads(f.Path(), glob) {
					rows[glob].readers[r.program]++
					used[i]++
				}
			}
		}
	}
	for verifier, n := range counts {
		if n != 0 {
			t.Errorf("verifier %q read %+d files beside the table", verifier, n)
		}
	}
	for i, r := range readers {
		file, name, _ := strings.Cut(r.test, " ")
		if !strings.Contains(read(t, filepath.Join("..", file)), "\nfunc "+name+"(t *testing.T)") {
			t.Errorf("%s: no such test", r.test)
		}
		if used[i] == 0 {
			t.Errorf("%s (%s) reads no file", r.program, r.test)
		}
	}
	var table strings.Builder
	table.WriteString("| files | number | reader in `compiler/verify` | real program in the tests |\n|---|---|---|---|\n")
	for _, glob := range slices.Sorted(maps.Keys(rows)) {
		r := rows[glob]
		var programs []string
		for _, p := range slices.Sorted(maps.Keys(r.readers)) {
			if n := r.readers[p]; n < r.files {
				p = fmt.Sprintf("%s (%d)", p, n)
			}
			programs = append(programs, p)
		}
		if why := grammarOnly[glob]; why != "" {
			programs = append(programs, why)
		}
		if programs == nil {
			programs = []string{"none"}
		}
		fmt.Fprintf(&table, "| `%s` | %d | %s | %s |\n", glob, r.files, r.verifier, strings.Join(programs, "; "))
	}
	t.Logf("\n%s", table.String())
	goldenSection(t, "verify/README.md", "readers", table.String())
}

// goldenSection compares what stands between two comments of a document, or rewrites it.
func goldenSection(t *testing.T, file, name, want string) {
	t.Helper()
	text := read(t, file)
	before, rest, _ := strings.Cut(text, "<!-- "+name+" -->\n")
	got, after, ok := strings.Cut(rest, "<!-- end of "+name+" -->")
	switch {
	case !ok:
		t.Fatalf("%s has no section %q", file, name)
	case got == want:
	case update:
		if err := os.WriteFile(file, []byte(before+"<!-- "+name+" -->\n"+want+"<!-- end of "+name+" -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not up to date:\n%s", file, diff.Diff("now", []byte(want), filepath.Base(file), []byte(got)))
	}
}
