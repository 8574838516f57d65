// A group that the reader manages: its bookings, its members and its roster.
import { account } from "../parts/account.js";
import { all, ask } from "../parts/api.js";
import { bookingsSection, openBooking } from "../parts/group-bookings.js";
import { detailsSection } from "../parts/group-details.js";
import { membersSection } from "../parts/group-members.js";
import { rosterSection } from "../parts/group-roster.js";
import { alsoWords } from "../parts/language.js";
import { attempt, html, loading, nothing, show, signInFirst, t, update } from "../parts/page.js";

await alsoWords("groups");

// As many as a roster may have.
const MEMBERS_MAX = 20_000;
const asked = new URLSearchParams(location.search);
const path = `/groups/${encodeURIComponent(asked.get("id") ?? "")}`;
let group = null;
let isRead = !account();

show(() => group?.name ?? t("groups.group"), body);
if (account())
  await attempt(async () => {
    await read();
    if (asked.get("session")) await openBooking(asked.get("session"));
  });
isRead = true;
update();

async function read() {
  const [shown, members, bookings] = await Promise.all([
    ask("registration", path),
    all("registration", `${path}/members`, "members", MEMBERS_MAX),
    all("registration", `${path}/bookings`, "registrations"),
  ]);
  const left = members.filter((one) => one.state === "left").length;
  group = { ...shown, path, members: members.filter((one) => one.state === "member"), left, bookings };
}

function body() {
  if (!account()) return signInFirst();
  if (!group) return html`${isRead ? nothing : loading()} <p><a href="/groups">${t("groups.back")}</a></p>`;
  return html`
    <p><a href="/groups">${t("groups.back")}</a></p>
    ${bookingsSection(group, read)}
    ${membersSection(group, read)}
    ${group.left ? html`<p class="quiet">${t("groups.left", { n: group.left })}</p>` : nothing}
    ${rosterSection(group, read)}
    ${detailsSection(group, read)}
  `;
}
