import * as React from "react";
import { type ReactElement, type ReactNode, useEffect, useState } from "react";

/** Shows its children while the address is one of its paths, without loading the page anew. */
export interface PageProps {
  /** What is shown. */
  children?: ReactNode;
  /** The component's id. */
  id?: string;
  /** Addresses such as `/login`; one that ends in a slash stands for all below it, `/` for itself. */
  paths?: string[];
}

export function Page({ children, paths = [] }: PageProps): ReactElement | null {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    addEventListener("popstate", moved);
    addEventListener("dm:moved", moved);
    return () => {
      removeEventListener("popstate", moved);
      removeEventListener("dm:moved", moved);
    };
  }, []);
  const here = paths.some((one) => (one.length > 1 && one.endsWith("/") ? path.startsWith(one) : path === one));
  return here ? <>{children}</> : null;
}
