// What is chosen for this device alone: in localStorage, whoever is signed in.

export function chosen(name: string): string {
  try {
    return localStorage.getItem(`dm:${name}`) ?? "";
  } catch {
    return "";
  }
}

export function choose(name: string, value: string): void {
  try {
    localStorage.setItem(`dm:${name}`, value);
  } catch {
    // It lives as long as this page.
  }
}
