//! The console in a real browser: headless Chromium, driven through chromedriver. Pictures of
//! the pages go to `TASTEMAKER_SCREENSHOTS`, where that is set, or to a temporary folder.
//! Where there is no browser the test says so and passes: `.ci/run` installs one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

use crate::fixture::{Dir, Server, files, movielens, play, train};

/// The user that the test looks at: one of the most active of the log.
const USER: &str = "414";

fn found(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// A chromedriver of our own, gone with the test.
struct Driver {
    child: Child,
    url: String,
}

impl Driver {
    fn start(program: &Path) -> Driver {
        let mut child = Command::new(program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        for line in lines.map_while(Result::ok) {
            // "ChromeDriver was started successfully on port 41215."
            if let Some((_, rest)) = line.split_once("started successfully on port ") {
                let port = rest.trim_end_matches('.');
                return Driver { child, url: format!("http://127.0.0.1:{port}") };
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        panic!("chromedriver did not say its port");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn browser(driver: &Driver, chromium: &Path, profile: &Path, dark: bool) -> Client {
    let mut flags: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=1280,900",
    ]
    .map(str::to_owned)
    .to_vec();
    flags.push(format!("--user-data-dir={}", profile.display()));
    if dark {
        // What the page asks for with prefers-color-scheme.
        flags.push("--blink-settings=preferredColorScheme=0".into());
    } else {
        flags.push("--blink-settings=preferredColorScheme=1".into());
    }
    let mut capabilities = Capabilities::new();
    let options = json!({"args": flags, "binary": chromium});
    capabilities.insert("goog:chromeOptions".into(), options);
    ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
        .capabilities(capabilities)
        .connect(&driver.url)
        .await
        .expect("a browser session")
}

/// A picture of the whole page at this width.
async fn picture(client: &Client, width: u32, to: &Path) {
    client.set_window_size(width, 900).await.expect("a window of that size");
    let height = "return document.documentElement.scrollHeight + outerHeight - innerHeight";
    let height = client.execute(height, Vec::new()).await.expect("a height");
    let height = height.as_u64().expect("a number").clamp(400, 4000) as u32;
    client.set_window_size(width, height).await.expect("a window of that size");
    let overflow =
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    let over = client.execute(overflow, Vec::new()).await.expect("a width");
    assert!(over.as_i64().expect("a number") <= 0, "{}: {over} px too wide", to.display());
    let png = client.screenshot().await.expect("a picture");
    assert!(png.starts_with(b"\x89PNG"));
    std::fs::write(to, png).expect("the picture is written");
}

async fn text_of(client: &Client, css: &str) -> String {
    let element = client
        .wait()
        .for_element(Locator::Css(css))
        .await
        .unwrap_or_else(|error| panic!("{css}: {error}"));
    element.text().await.expect("its text")
}

async fn click(client: &Client, locator: Locator<'_>) {
    let element = client
        .wait()
        .for_element(locator)
        .await
        .unwrap_or_else(|error| panic!("{locator:?}: {error}"));
    // Every click here leads to another page. Its end is waited for, so that nothing is read from
    // the page that is going away.
    client.execute("window.leaving = true", Vec::new()).await.expect("a script runs");
    element.click().await.expect("it can be clicked");
    let arrived = "return window.leaving === undefined && document.readyState === 'complete'";
    for _ in 0..200 {
        // Between two pages a script may have nowhere to run.
        let there = client.execute(arrived, Vec::new()).await;
        if there.is_ok_and(|there| there == json!(true)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{locator:?}: no other page after 10 s");
}

/// Searches a user, opens it, reads titles and reasons, goes on to an item and the report.
async fn walk_through(client: &Client, base: &str) {
    client.goto(&format!("{base}/console")).await.expect("the console opens");
    assert_eq!(text_of(client, "h1").await, "Overview");
    click(client, Locator::LinkText("Users")).await;
    let field =
        client.wait().for_element(Locator::Css("input[name=q]")).await.expect("a search field");
    field.send_keys(USER).await.expect("typing");
    click(client, Locator::Css("form.search button")).await;
    let lead = text_of(client, "p.lead").await;
    assert!(lead.contains("match"), "{lead}");
    click(client, Locator::LinkText(USER)).await;
    assert_eq!(text_of(client, "h1").await, format!("User {USER}"));
    let history = text_of(client, "ul.history").await;
    assert!(
        history.contains("★") && history.contains("20"),
        "titles, ratings, dates: {history}"
    );
    let first = text_of(client, "ol.recs > li:first-child").await;
    assert!(
        first.contains('(') && first.contains("because of"),
        "a title and a reason: {first}"
    );
    assert!(first.contains("item-knn") || first.contains("als"), "who proposed it: {first}");
    let count = client.find_all(Locator::Css("ol.recs > li")).await.expect("a list").len();
    assert_eq!(count, 20);
    click(client, Locator::LinkText("als")).await;
    assert!(client.current_url().await.expect("a URL").as_str().ends_with("view=als"));
    let tab = text_of(client, ".tabs a[aria-current]").await;
    assert_eq!(tab, "als");
    click(client, Locator::LinkText("Side by side")).await;
    let columns = client.find_all(Locator::Css(".columns > div")).await.expect("columns").len();
    assert_eq!(columns, 7, "the merged list and six models");
    click(client, Locator::LinkText("Merged")).await;
    let title = text_of(client, "ol.recs > li:first-child a.title").await;
    click(client, Locator::Css("ol.recs > li:first-child a.title")).await;
    assert_eq!(text_of(client, "h1").await, title);
    let similar = client.find_all(Locator::Css("ol.recs > li")).await.expect("a list").len();
    assert!(similar >= 10, "{similar} similar items");
    click(client, Locator::LinkText("Evaluation")).await;
    let report = text_of(client, "main").await;
    assert!(report.contains("Evaluation") || report.contains("evaluat"), "{report}");
    click(client, Locator::LinkText("Worlds")).await;
    let worlds = text_of(client, "main").await;
    assert!(
        worlds.contains("item-knn is better") && worlds.contains("What happened"),
        "{worlds}"
    );
    click(client, Locator::LinkText("Log")).await;
    let facts = text_of(client, "main").await;
    assert!(facts.contains("movielens ml-latest-small") && facts.contains("000001"), "{facts}");
}

#[test]
fn people_find_their_way_through_the_console() {
    let chromium = found(&["chromium", "chromium-browser", "google-chrome"]);
    let (Some(driver), Some(chromium)) = (found(&["chromedriver"]), chromium) else {
        println!(
            "SKIPPED people_find_their_way_through_the_console: no chromium and chromedriver in \
             PATH (Debian: apt-get install chromium chromium-driver)"
        );
        return;
    };
    let dir = Dir::new();
    movielens(&dir.log());
    let models = ["popular", "popular-lately", "item-knn", "ease", "als", "walk"];
    train(&dir.log(), &models);
    let plays = dir.log().join("plays");
    let made = play("item-knn", "epsilon:0.2:popular");
    evaluate::save_play(&files(), &plays, &made).expect("it is kept");
    let server = Server::start(&dir.log());
    let base = format!("http://{}", server.address);
    let driver = Driver::start(&driver);
    let kept = std::env::var_os("TASTEMAKER_SCREENSHOTS").map(PathBuf::from);
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let pictures = kept.unwrap_or_else(|| temporary.path().to_path_buf());
    std::fs::create_dir_all(&pictures).expect("a folder for pictures");
    server.runtime.block_on(async {
        let mut attempts =
            [("light", false), ("dark", true)].into_iter().flat_map(|it| [it; 3]);
        while let Some((scheme, dark)) = attempts.next() {
            let profile = tempfile::tempdir().expect("a temporary folder");
            let client = browser(&driver, &chromium, profile.path(), dark).await;
            let walk = tokio::spawn({
                let (client, base, pictures) = (client.clone(), base.clone(), pictures.clone());
                async move {
                    if !dark {
                        walk_through(&client, &base).await;
                    }
                    for (name, path) in [
                        ("overview", "/console"),
                        ("users", "/console/users"),
                        ("user", "/console/users/414"),
                        ("side-by-side", "/console/users/414?view=side-by-side"),
                        ("items", "/console/items?category=Film-Noir"),
                        ("item", "/console/items/2571"),
                        ("report", "/console/report"),
                        ("worlds", "/console/worlds"),
                        ("log", "/console/log"),
                    ] {
                        client.goto(&format!("{base}{path}")).await.expect("the page opens");
                        let to = pictures.join(format!("{name}-{scheme}.png"));
                        picture(&client, 1280, &to).await;
                        if !dark {
                            let to = pictures.join(format!("{name}-phone.png"));
                            picture(&client, 390, &to).await;
                        }
                    }
                }
            });
            // A headless Chromium now and then stops answering; the console is not to blame.
            let walked = tokio::time::timeout(Duration::from_secs(60), walk).await;
            let _ = tokio::time::timeout(Duration::from_secs(10), client.close()).await;
            match walked {
                Ok(walked) => {
                    walked.expect("the walk through the console");
                    // On to the next scheme.
                    while attempts.clone().next().is_some_and(|next| next.1 == dark) {
                        attempts.next();
                    }
                }
                Err(_) => {
                    let again = attempts.clone().next().is_some_and(|next| next.1 == dark);
                    assert!(again, "three browsers stopped answering ({scheme})");
                    println!("a browser stopped answering after 60 s; another one tries");
                }
            }
        }
    });
}
