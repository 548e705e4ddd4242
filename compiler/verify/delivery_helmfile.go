package verify

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A helmfile is charts/<site>/helmfile.yaml.
type helmfile struct {
	file   *artifact.File
	charts []delivered // in the order of the file
}

// fields are those that meshgen writes, of what helmfile reads; helmfile itself refuses others.
var (
	helmfileFields   = words("repositories helmDefaults releases")
	repositoryFields = words("name url oci")
	defaultsFields   = words("createNamespace wait timeout syncArgs")
	releaseFields    = words("name namespace chart version labels values needs wait jsonPatches strategicMergePatches")
)

func readHelmfile(f *artifact.File, p *pass) {
	if path.Base(path.Dir(f.Path())) != p.releases.Site {
		return
	}
	docs := p.documents(f)
	if len(docs) != 1 || docs[0].Kind != yaml.MappingNode {
		p.report(f, 0, ruleDelivery, "a helmfile is one mapping")
		return
	}
	root, v := docs[0], dict(value(docs[0]))
	report := func(at fieldPath, format string, args ...any) {
		p.report(f, lineOf(root, at), ruleDelivery, format, args...)
	}
	only := func(at fieldPath, v any, fields map[string]bool) {
		for key := range dict(v) {
			if !fields[key] {
				report(at.to(key), "field %q is none that meshgen writes", key)
			}
		}
	}
	only(nil, v, helmfileFields)
	only(fieldPath{"helmDefaults"}, get(v, "helmDefaults"), defaultsFields)
	if get(v, "helmDefaults", "createNamespace") != false {
		report(fieldPath{"helmDefaults"}, "helm would make namespaces without their labels")
	}
	repositories := map[string]string{}
	for i, r := range list(v, "repositories") {
		at := fieldPath{"repositories"}.at(i)
		only(at, r, repositoryFields)
		url := str(r, "url")
		if get(r, "oci") == true {
			url = "oci://" + url
		}
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "oci://") {
			report(at, "%q is no address of a repository", url)
		}
		repositories[str(r, "name")] = url
	}
	h := &helmfile{file: f}
	var ready []string
	for i, r := range list(v, "releases") {
		at := fieldPath{"releases"}.at(i)
		only(at, r, releaseFields)
		repository, chart, _ := strings.Cut(str(r, "chart"), "/")
		if repositories[repository] == "" {
			report(at.to("chart"), "there is no repository %q", repository)
		}
		for _, file := range strs(r, "values") {
			if want := str(r, "name") + "/values.yaml"; file != want || p.tree.Lookup(path.Join(path.Dir(f.Path()), file)) == nil {
				report(at.to("values"), "%q is not the values file of the release", file)
			}
		}
		if len(strs(r, "values")) != 1 {
			report(at, "release %s has no values file", str(r, "name"))
		}
		for j, need := range strs(r, "needs") {
			if !slices.Contains(ready, need) {
				report(at.to("needs").at(j), "no release before it is %q", need)
			}
		}
		ready = append(ready, str(r, "namespace")+"/"+str(r, "name"))
		h.charts = append(h.charts, delivered{
			release: str(r, "name"), namespace: str(r, "namespace"), chart: chart, version: str(r, "version"),
			repository: repositories[repository], needs: strs(r, "needs"), line: lineOf(root, at),
			waits: get(r, "wait") != false,
		})
		p.checkHelmfilePatches(f, lineOf(root, at), r)
	}
	p.delivery.helmfile = h
}
