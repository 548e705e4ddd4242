package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"

	"meshgen.dev/meshgen/compiler/artifact"
)

// treeVerifiers are the readers of all but the line formats, by path. The first match counts.
var treeVerifiers = []verifier{
	{"manifest", "meshgen/*.json", readManifest},
	{"kustomization", componentsGlob, readComponent},
	{"kustomization", "kubernetes/**/kustomization.yaml", readKustomization},
	{"staged objects", "kubernetes/overlays/*/*/*/*.yaml", readStaged},
	{"staged objects", "kubernetes/overlays/*/*/*/*/*.yaml", readStaged},
	{"objects", "kubernetes/**/*.yaml", readObjects},
	{"kustomization", "charts/*/*/kustomization.yaml", readKustomization},
	{"kustomization", "charts/*/*/patches/kustomization.yaml", readKustomization},
	{"post-renderer", "charts/*/post-renderer/meshgen-patch/*", readPostRenderer},
	{"applications", "charts/*/*/release.yaml", readChartRelease},
	{"chart values", "charts/*/*/values.yaml", readValues},
	{"chart values", "charts/*/upgrade/*/values.yaml", readUpgradeValues},
	{"upgrade script", "charts/*/upgrade.sh", readUpgrade},
	{"helmfile", "charts/*/helmfile.yaml", readHelmfile},
	{"installation script", "charts/*/install.sh", readScript},
	{"applications", "gitops/*/**/*.yaml", readApplications},
	{"secrets contract", "docs/*/secrets.json", readSecretsContract},
	{"documents", "docs/*/*.md", readDocument},
	{"page", "docs/*/index.html", readPage},
	{"picture", "docs/*/topology.svg", readPicture},
	{"checks", "checks/run.sh", readRunScript},
	{"checks", "checks/*.json", readChecks},
	{"dashboards", "observability/*/*.dashboard.json", readDashboard},
	{"alert rules", "observability/*/*.rules.yaml", readRuleFile},
	{"static pod", "hosts/*/*/etc/kubernetes/manifests/*.yaml", readStaticPod},
	{"static pod", "hosts/*/*/var/lib/rancher/*/agent/pod-manifests/*.yaml", readStaticPod},
	{"kubelet configuration", "hosts/*/*/etc/kubernetes/kubelet.conf.d/*.conf", readKubeletConfiguration},
}

// manifest is what the manifest says, as a consumer of the tree reads it.
type manifest struct {
	Site          string
	OutputVersion int
	Digest        string
	Files         []struct{ Path, SHA256 string }
}

// readManifest holds the manifest against the tree: the same files, the same bytes.
func readManifest(f *artifact.File, p *pass) {
	var m manifest
	if err := json.Unmarshal(f.Bytes(), &m); err != nil {
		p.report(f, 0, ruleManifest, "not JSON: %v", err)
		return
	}
	if want := path.Base(f.Path()); m.Site+".json" != want {
		p.report(f, 0, ruleManifest, "it names site %q", m.Site)
	}
	if m.OutputVersion < 1 || len(m.Digest) != hex.EncodedLen(sha256.Size) {
		p.report(f, 0, ruleManifest, "outputVersion %d or digest %q is none", m.OutputVersion, m.Digest)
	}
	listed := map[string]bool{f.Path(): true}
	for _, e := range m.Files {
		file := p.tree.Lookup(e.Path)
		if file == nil {
			p.report(f, 0, ruleManifest, "it lists %q, which is not in the tree", e.Path)
			continue
		}
		listed[e.Path] = true
		if sum := sha256.Sum256(file.Bytes()); hex.EncodeToString(sum[:]) != e.SHA256 {
			p.report(f, 0, ruleManifest, "the digest of %q is not that of its content", e.Path)
		}
	}
	for _, file := range p.tree.Files() {
		if !listed[file.Path()] {
			p.report(f, 0, ruleManifest, "it does not list %q", file.Path())
		}
	}
}
