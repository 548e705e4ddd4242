//go:build linux

package realapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// client speaks to one API server, as an operator who may do everything.
type client struct {
	t     *testing.T
	web   *http.Client
	base  string
	id    identity
	kinds map[string]kind // "apps/v1/Deployment", once the server has it
}

// kind is where the server keeps the objects of a kind.
type kind struct {
	Name       string // plural
	Kind       string
	Namespaced bool
}

// answer is what the server says.
type answer struct {
	status   int
	body     []byte
	warnings []string
}

func (a answer) ok() bool { return a.status/100 == 2 }

// complaint is why the server did not simply take what it was sent: its error, or its warnings. Empty: it did.
func (a answer) complaint() string {
	if a.ok() {
		return strings.Join(a.warnings, "; ")
	}
	var s struct{ Message string }
	if json.Unmarshal(a.body, &s) != nil || s.Message == "" {
		s.Message = string(a.body)
	}
	return fmt.Sprintf("%d %s", a.status, s.Message)
}

func (c *client) call(method, path, contentType string, body []byte) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.web.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, data, resp.Header.Values("Warning")}
}

// await asks until the answer is yes.
func (c *client) await(what string, ready func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !ready(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// prefix is the path of a group and version.
func prefix(apiVersion string) string {
	if strings.Contains(apiVersion, "/") {
		return "/apis/" + apiVersion
	}
	return "/api/" + apiVersion
}

// kind asks the server for a kind; false means that it has none such.
func (c *client) kind(apiVersion, name string) (kind, bool) {
	key := apiVersion + "/" + name
	if k, ok := c.kinds[key]; ok {
		return k, true
	}
	var list struct{ Resources []kind }
	if a := c.call(http.MethodGet, prefix(apiVersion), "", nil); a.ok() {
		if err := json.Unmarshal(a.body, &list); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, k := range list.Resources {
		if !strings.Contains(k.Name, "/") { // not a subresource
			c.kinds[apiVersion+"/"+k.Kind] = k
		}
	}
	k, ok := c.kinds[key]
	return k, ok
}

// options of an apply.
type options struct {
	manager string // "kubectl" when empty
	force   bool   // take over fields of other managers
	dryRun  bool   // everything but the storing
}

// apply is `kubectl apply --server-side --validate=strict`.
func (c *client) apply(o object, opt options) answer {
	c.t.Helper()
	path, refused := c.path(o)
	if refused != "" {
		return answer{status: http.StatusNotFound, body: []byte(refused)}
	}
	q := url.Values{"fieldManager": {"kubectl"}, "fieldValidation": {"Strict"}}
	if opt.manager != "" {
		q.Set("fieldManager", opt.manager)
	}
	if opt.force {
		q.Set("force", "true")
	}
	if opt.dryRun {
		q.Set("dryRun", "All")
	}
	return c.call(http.MethodPatch, path+"?"+q.Encode(), "application/apply-patch+yaml", o.text)
}

// path is where an object stands, or why it cannot stand there.
func (c *client) path(o object) (path, refused string) {
	k, ok := c.kind(o.APIVersion, o.Kind)
	switch {
	case !ok:
		return "", fmt.Sprintf("no matches for kind %q in version %q", o.Kind, o.APIVersion)
	case k.Namespaced && o.Metadata.Namespace == "":
		return "", "no namespace: kubectl would take the one of its context"
	case !k.Namespaced && o.Metadata.Namespace != "":
		return "", "a namespace, and the kind has none"
	}
	path = prefix(o.APIVersion)
	if k.Namespaced {
		path += "/namespaces/" + url.PathEscape(o.Metadata.Namespace)
	}
	return path + "/" + k.Name + "/" + url.PathEscape(o.Metadata.Name), ""
}

// create makes an object that meshgen did not write, in the name of the part of the cluster that would make it.
func (c *client) create(manager string, obj any) {
	c.t.Helper()
	text, err := json.Marshal(obj)
	if err != nil {
		c.t.Fatal(err)
	}
	o, err := parse(text)
	if err != nil {
		c.t.Fatal(err)
	}
	path, refused := c.path(o)
	if refused != "" {
		c.t.Fatalf("%s: %s", o, refused)
	}
	path = path[:strings.LastIndexByte(path, '/')]
	if a := c.call(http.MethodPost, path+"?fieldManager="+manager, "application/json", text); !a.ok() {
		c.t.Fatalf("%s: %s", o, a.complaint())
	}
}
