// Electron's `Menu`: strict where Electron is, so that a wrong role or shortcut fails here too.

type Template = {
  id?: string;
  label?: string;
  role?: string;
  type?: string;
  enabled?: boolean;
  accelerator?: string;
  submenu?: Template[];
  click?: (item: MenuItem) => void;
};

const roles = new Set(
  `about appmenu close copy cut delete editmenu filemenu forcereload front help hide hideothers minimize paste quit
   redo reload resetzoom selectall services togglefullscreen toggledevtools undo unhide viewmenu window windowmenu
   zoom zoomin zoomout`.split(/\s+/),
);
const accelerator =
  /^((CmdOrCtrl|CommandOrControl|Alt|Shift|Ctrl|Cmd|Option|Super)\+)*([A-Z0-9,./[\]]|F\d+|Left|Right|Plus|Space)$/;

class MenuItem {
  readonly id: string | undefined;
  readonly label: string;
  readonly role: string | undefined;
  readonly enabled: boolean;
  readonly accelerator: string | undefined;
  readonly submenu: Menu | undefined;
  readonly #click: ((item: MenuItem) => void) | undefined;

  constructor(template: Template) {
    const { role, type, label } = template;
    if (role === undefined && type === undefined && label === undefined)
      throw new Error('Invalid template for MenuItem');
    if (role !== undefined && !roles.has(role.toLowerCase())) throw new Error(`Unknown role ${role}`);
    if (template.accelerator !== undefined && !accelerator.test(template.accelerator))
      throw new Error(`Invalid accelerator ${template.accelerator}`);
    this.id = template.id;
    this.label = label ?? role ?? '';
    this.role = role;
    this.enabled = template.enabled ?? true;
    this.accelerator = template.accelerator;
    this.submenu = template.submenu === undefined ? undefined : Menu.buildFromTemplate(template.submenu);
    this.#click = template.click;
  }

  click(): void {
    if (!this.enabled) return;
    if (this.role === 'quit') Menu.quit();
    else if (this.role === 'close') Menu.closeWindow();
    else this.#click?.(this);
  }
}

export class Menu {
  static #application: Menu | null = null;
  static quit: () => void = () => undefined;
  static closeWindow: () => void = () => undefined;
  readonly items: readonly MenuItem[];

  constructor(items: readonly MenuItem[] = []) {
    this.items = items;
  }

  static buildFromTemplate(template: readonly Template[]): Menu {
    return new Menu(template.map((each) => new MenuItem(each)));
  }

  static setApplicationMenu(menu: Menu | null): void {
    Menu.#application = menu;
  }

  static getApplicationMenu(): Menu | null {
    return Menu.#application;
  }

  getMenuItemById(id: string): MenuItem | null {
    for (const item of this.items) {
      const found = item.id === id ? item : (item.submenu?.getMenuItemById(id) ?? null);
      if (found !== null) return found;
    }
    return null;
  }
}
